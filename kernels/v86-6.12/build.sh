#!/bin/bash
# Builds bzImage from Debian's Linux source and the config beside this script, bit for bit the same each time.
#
#   build.sh [--jobs N] [--any-toolchain]
#
# For Debian 12 and root. Missing build dependencies are installed with apt-get. Everything else happens in a
# temporary directory, or in $WORK if that is set (created if need be, and kept). On success bzImage and SOURCES
# beside this script are replaced; until then nothing is.
#
# The compiler, the linker and the packer leave their mark in the image, so their versions are pinned too.
# --any-toolchain builds with whatever is installed, and SOURCES then says what that was.
set -euo pipefail

SOURCE_PACKAGE=linux-source-6.12
SOURCE_VERSION=6.12.117-1~deb12u1
SOURCE_SHA256=e849faf31ca3555757f3a8877cb01af92122f744f75d1f3102734651c4e14703

# Package, version, SPDX licence of the tools whose output ends up in the image.
TOOLCHAIN=(
  "gcc-12 12.2.0-14+deb12u1 GPL-3.0-or-later"
  "cpp-12 12.2.0-14+deb12u1 GPL-3.0-or-later"
  "binutils-x86-64-linux-gnu 2.40-2 GPL-3.0-or-later"
  "lz4 1.9.4-1 GPL-2.0-or-later"
)
DEPENDENCIES=(bc bison flex gcc gcc-12 cpp-12 binutils libc6-dev libelf-dev lz4 make perl xz-utils)

# What the kernel says about its making; fixed, so that a rebuild cannot be told from the original.
export KBUILD_BUILD_TIMESTAMP='2026-11-01 00:00:00 UTC'
export KBUILD_BUILD_USER=playground
export KBUILD_BUILD_HOST=openwrt
export LC_ALL=C TZ=UTC

SIZE_LIMIT=3500000

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../scripts/lib/recipe.sh"
jobs=$(nproc)
any_toolchain=no

while (($#)); do
  case $1 in
    --jobs)
      jobs=${2:?--jobs wants a number}
      shift 2
      ;;
    --any-toolchain)
      any_toolchain=yes
      shift
      ;;
    *) die "unknown option $1 (known: --jobs N, --any-toolchain)" ;;
  esac
done

install_missing "${DEPENDENCIES[@]}"
# The package lists are needed in any case: they name the .deb to fetch and the digests of the tools.
[[ -n $(archive_sha256 "$SOURCE_PACKAGE" "$SOURCE_VERSION") ]] || apt-get update
toolchain=$(toolchain_lines $any_toolchain "${TOOLCHAIN[@]}")
use_work
fetch_deb "$SOURCE_PACKAGE" "$SOURCE_VERSION" all "$SOURCE_SHA256"

tree=$work/$SOURCE_PACKAGE
if [[ ! -d $tree ]]; then
  say "unpacking the source into $work"
  dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$SOURCE_PACKAGE.tar.xz" | tar -xJ -C "$work"
fi

# Our additions to the kernel; their first lines say what for.
add() { # add NAME FOLDER
  cp "$here/$1.c" "$tree/$2/$1.c"
  grep -q "$1" "$tree/$2/Makefile" || echo "obj-y += $1.o" >>"$tree/$2/Makefile"
}
add xt_eager net/netfilter
add vmfork drivers/char

# Lines of the kernel that are changed. One that is not there, or not once, ends this.
change() { # change FILE FROM TO
  local lines
  grep -qF -- "$3" "$tree/$1" && return
  lines=$(grep -cF -- "$2" "$tree/$1") || true
  [[ $lines == 1 ]] || die "$1 has the line to change $lines times: $2"
  FROM=$2 TO=$3 perl -pi -e 's/\Q$ENV{FROM}\E/$ENV{TO}/' "$tree/$1"
}
# TRIM of our drive gives zeros, and a loop device passes on only what it can do as "write zeroes". For ATA, Linux offers
# that of no drive; of this one a trimmed sector is as good as one that was written with zeros.
change drivers/ata/libata-scsi.c 'sdev->no_write_same = 1;' 'sdev->no_write_same = 0;'
change drivers/scsi/sd.c 'if (!(rq->cmd_flags & REQ_NOUNMAP)) {' 'if (sdkp->lbprz || !(rq->cmd_flags & REQ_NOUNMAP)) {'

cp "$here/config" "$tree/arch/x86/configs/playground_defconfig"
make -C "$tree" ARCH=i386 playground_defconfig >/dev/null

# Kconfig drops silently what a dependency forbids. Every line asked for must have come through.
lost=()
while IFS= read -r line; do
  case $line in
    CONFIG_*=*) grep -qxF -- "$line" "$tree/.config" || lost+=("$line") ;;
    '# CONFIG_'*' is not set')
      name=${line#\# }
      name=${name% is not set}
      ! grep -q "^$name=" "$tree/.config" || lost+=("$line")
      ;;
  esac
done <"$here/config"
((${#lost[@]} == 0)) || die "Kconfig did not accept: ${lost[*]}"
! grep '=m$' "$tree/.config" || die "these became modules, and nothing would load them"

# The build number and the absolute path must not reach the image either.
rm -f "$tree/.version"
make -C "$tree" -j"$jobs" ARCH=i386 KCFLAGS="-ffile-prefix-map=$tree=." bzImage
image=$tree/arch/x86/boot/bzImage
size=$(stat -c %s "$image")
((size <= SIZE_LIMIT)) || die "bzImage has $size bytes, more than $SIZE_LIMIT"

install -m 644 "$image" "$here/bzImage"
{
  echo "rebuild kernels/v86-6.12/build.sh"
  echo "package $SOURCE_PACKAGE $SOURCE_VERSION all $SOURCE_SHA256 GPL-2.0-only"
  echo "$toolchain"
  recipe_lines build.sh config vmfork.c xt_eager.c
  echo "artifact $(sha256_of "$here/bzImage") bzImage"
} >"$here/SOURCES.new"
mv "$here/SOURCES.new" "$here/SOURCES"
say "bzImage: $size bytes, SHA-256 $(sha256_of "$here/bzImage")"
