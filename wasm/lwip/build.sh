#!/bin/bash
# Builds lwip.wasm from Debian's lwip source package and the files beside this script, bit for bit the same each time.
#
#   build.sh [--any-toolchain]
#
# For Debian 12 and root. Missing build dependencies are installed with apt-get. Everything else happens in a temporary
# directory, or in $WORK if that is set (created if need be, and kept). On success lwip.wasm and SOURCES beside this
# script are replaced; until then nothing is.
#
# The compiler, the linker and the C library leave their mark in the result, so their versions are pinned too.
# --any-toolchain builds with whatever is installed, and SOURCES then says what that was.
set -euo pipefail

SOURCE_VERSION=2.1.3+dfsg1-2
# Of the .dsc file, which holds the digests of the archives.
SOURCE_SHA256=8d8f944db8e6d542fc2d6f01559078fb1b5dda71651c67ee5fa3571ed1342c50

# Package, version, SPDX licence.
TOOLCHAIN=(
  "clang-19 1:19.1.7-3~deb12u1 Apache-2.0 WITH LLVM-exception"
  "lld-19 1:19.1.7-3~deb12u1 Apache-2.0 WITH LLVM-exception"
  "libclang-rt-19-dev-wasm32 1:19.1.7-3~deb12u1 Apache-2.0 WITH LLVM-exception"
  "wasi-libc 0.0~git20220510.9886d3d-2 Apache-2.0 WITH LLVM-exception AND MIT"
)
DEPENDENCIES=(clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc dpkg-dev)

# Of lwip's src/; everything is IPv4 and for a program without threads.
LWIP_FILES=(
  core/{init,def,inet_chksum,ip,mem,memp,netif,pbuf,raw,tcp,tcp_in,tcp_out,timeouts,udp}.c
  core/ipv4/{dhcp,etharp,icmp,ip4,ip4_addr,ip4_frag}.c
  netif/ethernet.c
)
RECIPES=(build.sh shim.c hooks.h lwipopts.h arch/cc.h)

BUILTINS=/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a

SIZE_LIMIT=60000
# Bytes of WebAssembly memory, a bound on what a hostile guest can make us hold.
MEMORY_LIMIT=$((128 * 1024 * 1024))

export LC_ALL=C TZ=UTC

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../scripts/lib/recipe.sh"
any_toolchain=no

# Fetches the source package into $work, with the mirrors this machine has and a package list of our own.
fetch_source() {
  local private=$work/apt file
  mkdir -p "$private/parts" "$private/lists/partial"
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ ! -e $file ]] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$private/parts/$(basename "$file")"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ ! -e $file ]] || sed -n 's/^deb\(\s\)/deb-src\1/p' "$file" >"$private/parts/from-$(basename "$file" .list).list"
  done
  cat >"$private/apt.conf" <<CONF
Dir::State::Lists "$private/lists";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$private/parts";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
CONF
  # A mirror without sources is no failure yet: another may have them.
  APT_CONFIG=$private/apt.conf apt-get update || true
  (cd "$work" && APT_CONFIG=$private/apt.conf apt-get source --download-only "lwip=$SOURCE_VERSION") ||
    die "Debian's archive no longer offers the source of lwip $SOURCE_VERSION. Put its three files (the snapshot archive" \
      "keeps old ones) into a directory and pass it as WORK, or move this script to a newer version and its digest."
}

while (($#)); do
  case $1 in
    --any-toolchain)
      any_toolchain=yes
      shift
      ;;
    *) die "unknown option $1 (known: --any-toolchain)" ;;
  esac
done

install_missing "${DEPENDENCIES[@]}"
toolchain=$(toolchain_lines $any_toolchain "${TOOLCHAIN[@]}")
use_work

dsc=$work/lwip_$SOURCE_VERSION.dsc
[[ -e $dsc ]] || fetch_source
expect_sha256 "$dsc" "$SOURCE_SHA256"
# This checks the archives against the .dsc and applies Debian's patches.
rm -rf "$work/lwip"
dpkg-source --extract "$dsc" "$work/lwip" >&2

# Link-time optimisation makes one unit of it; no path of this machine reaches the result. The linker is called directly,
# as clang runs wasm-opt by itself where it is installed, and links nothing at all when told not to.
(
  mkdir -p "$work/objects"
  cd "$work/objects"
  clang-19 --target=wasm32-wasi -c -Oz -flto -nostdlibinc -isystem /usr/include/wasm32-wasi \
    -I"$here" -I"$work/lwip/src/include" -Wall -Wextra -Wno-tautological-constant-out-of-range-compare \
    -ffile-prefix-map="$here"=shim -ffile-prefix-map="$work"=. \
    "$here/shim.c" "${LWIP_FILES[@]/#/$work/lwip/src/}"
  wasm-ld-19 --strip-all --max-memory=$MEMORY_LIMIT --entry=_initialize -o "$work/lwip.wasm" \
    /usr/lib/wasm32-wasi/crt1-reactor.o ./*.o /usr/lib/wasm32-wasi/libc.a "$BUILTINS"
)
size=$(stat -c %s "$work/lwip.wasm")
((size <= SIZE_LIMIT)) || die "lwip.wasm has $size bytes, more than $SIZE_LIMIT"

install -m 644 "$work/lwip.wasm" "$here/lwip.wasm"
{
  echo "rebuild wasm/lwip/build.sh"
  echo "package lwip $SOURCE_VERSION source $SOURCE_SHA256 BSD-3-Clause"
  echo "$toolchain"
  recipe_lines "${RECIPES[@]}"
  echo "artifact $(sha256_of "$here/lwip.wasm") lwip.wasm"
} >"$here/SOURCES.new"
mv "$here/SOURCES.new" "$here/SOURCES"
say "lwip.wasm: $size bytes, SHA-256 $(sha256_of "$here/lwip.wasm")"
