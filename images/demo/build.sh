#!/bin/bash
# Builds the demo firmware's root filesystem from pinned Debian i386 packages, two programs that it compiles (compile.sh)
# and the scripts in files/.
#
#   images/demo/build.sh [--any-toolchain]  rootfs.squashfs, SOURCES and firmware.json
#   images/demo/build.sh --manifest         firmware.json and SOURCES only (after the kernel was rebuilt)
#
# In the environment: DEBS, a directory that already holds the .deb files and the source package (nothing is downloaded
# then); OUT, a file for the squashfs, and nothing else is written; COMPRESSION, mksquashfs options to try.
#
# Needs Debian 12 and root (apt). The same inputs give the same bytes: versions and digests are pinned in
# `packages` and compile.sh, times are fixed, owners are root, modes follow from the content, names are sorted. The
# compiler is pinned as well; --any-toolchain takes what is installed, and SOURCES then says what that was.
set -euo pipefail
export LC_ALL=C TZ=UTC
umask 022

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
kernel_name=v86-6.12
kernel="$top/kernels/$kernel_name/bzImage"
version=1.0
disk_bytes=$((96 * 1024 * 1024))
limit=3600000                           # bytes the squashfs may have
# 2025-01-01T00:00:00Z: every inode and the superblock carry this time. The guest's clock starts from the
# PC's clock, so the value is only there to be the same in every build. Given to mksquashfs by option, as
# it refuses the options while the variable is set.
epoch=1735689600
unset SOURCE_DATE_EPOCH
# Measured in v86: see README.md, "Compression".
read -ra compression <<<"${COMPRESSION:--comp gzip -b 131072}"

# shellcheck source=scripts/lib/recipe.sh
source "$top/scripts/lib/recipe.sh"
# shellcheck source=images/demo/compile.sh
source "$here/compile.sh"

digest() { sha256_of "$1"; }

write_manifest() {
	local bytes=0 sum=""
	if [[ -f $kernel ]]; then
		bytes=$(stat -c %s "$kernel")
		sum=$(digest "$kernel")
	else
		echo "build.sh: no $kernel yet: firmware.json carries no kernel digest; run --manifest later" >&2
	fi
	cat >"$here/firmware.json" <<-JSON
	{
	  "format": 1,
	  "name": "demo",
	  "title": "Demo firmware (OpenWrt layout, not OpenWrt)",
	  "version": "$version",
	  "kernel": {
	    "name": "$kernel_name",
	    "bytes": $bytes,
	    "sha256": "$sum"
	  },
	  "root": {
	    "file": "rootfs.squashfs",
	    "bytes": $(stat -c %s "$here/rootfs.squashfs"),
	    "sha256": "$(digest "$here/rootfs.squashfs")"
	  },
	  "diskBytes": $disk_bytes
	}
	JSON
}

# The "package" lines of SOURCES.
package_lines() {
	local line
	grep -v '^#' "$here/packages" | sed 's/^/package /'
	echo "package busybox $BUSYBOX_VERSION source $BUSYBOX_SHA256 GPL-2.0-only"
	for line in "${LIBRARIES[@]}"; do echo "package $line"; done
	toolchain_lines "$any_toolchain" "${TOOLCHAIN[@]}"
}

write_sources() { # write_sources PACKAGE-LINES
	local file
	{
		echo "rebuild images/demo/build.sh"
		echo "$1"
		cd "$here"
		find . -type f ! -name SOURCES ! -name firmware.json ! -name rootfs.squashfs ! -name '*.tmp' -printf '%P\n' |
			sort | while read -r file; do echo "recipe $(digest "$file") $file"; done
		echo "artifact $(digest rootfs.squashfs) rootfs.squashfs"
	} >"$here/SOURCES.tmp"
	mv "$here/SOURCES.tmp" "$here/SOURCES"
}

# Downloads a pinned package and unpacks it: unpack INTO NAME VERSION ARCHITECTURE SHA256
unpack() {
	local deb="$debs/$2_${3//:/%3a}_$4.deb"
	# As root, apt drops its privileges for a download, which a private directory would not allow.
	[[ -n ${DEBS:-} ]] || (cd "$debs" && apt-get -qq -o APT::Sandbox::User=root download "$2:$4=$3")
	expect_sha256 "$deb" "$5"
	dpkg-deb -x "$deb" "$1"
}

# Sets `dsc` to the description of busybox's source package, which is beside its archives.
fetch_busybox() {
	local private=$work/apt file
	dsc=$debs/busybox_${BUSYBOX_VERSION#*:}.dsc
	if [[ -z ${DEBS:-} ]]; then
		mkdir -p "$private/parts" "$private/lists/partial"
		for file in /etc/apt/sources.list.d/*.sources; do
			[[ ! -e $file ]] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$private/parts/${file##*/}"
		done
		for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
			[[ ! -e $file ]] || sed -n 's/^deb\(\s\)/deb-src\1/p' "$file" >"$private/parts/from-$(basename "$file" .list).list"
		done
		set -- -o Dir::State::Lists="$private/lists" -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$private/parts" \
			-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root
		# A mirror without sources is no failure yet: another may have them.
		apt-get "$@" -qq update || true
		(cd "$debs" && apt-get "$@" -qq source --download-only "busybox=$BUSYBOX_VERSION") ||
			die "Debian's archive no longer offers the source of busybox $BUSYBOX_VERSION"
	fi
	expect_sha256 "$dsc" "$BUSYBOX_SHA256"
}

unpack_all() {
	local name ver arch sum rest
	if [[ -z ${DEBS:-} ]]; then
		dpkg --print-foreign-architectures | grep -qx i386 || dpkg --add-architecture i386
		# Other sources of this machine may be down; what counts is whether the pinned versions are there.
		apt-get update -qq || true
	fi
	while read -r name ver arch sum rest; do
		[[ $name == \#* || -z $name ]] || unpack "$packages" "$name" "$ver" "$arch" "$sum"
	done <"$here/packages"
	while read -r name ver arch sum rest; do
		unpack "$sysroot" "$name" "$ver" "$arch" "$sum"
	done < <(printf '%s\n' "${LIBRARIES[@]}")
	fetch_busybox
}

# Copies an object of the unpacked packages to the root under the name the loader or the user looks for.
take() { install -D -m "${3:-755}" "$(readlink -f "$packages/$1")" "$root/$2"; }

compose_root() {
	local lib=lib/i386-linux-gnu ulib=usr/lib/i386-linux-gnu path name file

	mkdir -p "$root"/{bin,dev,etc/{config,crontabs,dropbear,rc.d,uci-defaults},lib,mnt,overlay,proc,rom,root,sbin,sys,tmp,usr/{bin,lib,libexec,sbin,share},www}
	chmod 700 "$root/root" "$root/etc/dropbear"
	chmod 1777 "$root/tmp"

	install -m 755 "$work/programs/busybox" "$root/bin/busybox"
	while read -r path; do
		[[ $path != /bin/busybox ]] || continue
		mkdir -p "$root${path%/*}"
		ln -s /bin/busybox "$root$path"
	done <"$work/programs/busybox.links"
	install -m 755 "$work/programs/uci" "$root/sbin/uci"

	take sbin/mke2fs sbin/mke2fs
	ln -s mke2fs "$root/sbin/mkfs.ext4"
	take usr/sbin/dropbear usr/sbin/dropbear
	take usr/bin/dropbearkey usr/bin/dropbearkey
	take usr/sbin/tinydns usr/sbin/tinydns
	take usr/sbin/tinydns-data usr/sbin/tinydns-data
	take usr/sbin/xtables-legacy-multi usr/sbin/xtables-legacy-multi
	for name in iptables iptables-save iptables-restore; do
		ln -s xtables-legacy-multi "$root/usr/sbin/$name"
	done
	for name in libipt_{REJECT,icmp,ttl} libxt_{standard,tcp,udp,icmp,conntrack,state,comment,limit,multiport,mac,mark,MARK,LOG,MASQUERADE,NAT,DNAT,SNAT,REDIRECT,TCPMSS,CT}; do
		if [[ -e $packages/$ulib/xtables/$name.so ]]; then take "$ulib/xtables/$name.so" "$ulib/xtables/$name.so" 644; fi
	done

	take $lib/ld-linux.so.2 lib/ld-linux.so.2
	for name in libc.so.6 libcom_err.so.2 libcrypt.so.1 libe2p.so.2 libext2fs.so.2 libz.so.1; do
		take "$lib/$name" "lib/$name" 644
	done
	for name in libblkid.so.1 libuuid.so.1 libgmp.so.10 libtomcrypt.so.1 libtommath.so.1 libip4tc.so.2 libip6tc.so.2 libxtables.so.12; do
		take "$ulib/$name" "lib/$name" 644
	done

	cp -R "$here/files/." "$root/"
	# git keeps no modes but the execute bit, so modes follow from what a file is.
	(cd "$here/files" && find . -type f) | while read -r file; do
		if [[ $(head -c 2 "$root/$file") == '#!' ]]; then chmod 755 "$root/$file"; else chmod 644 "$root/$file"; fi
	done
	chmod 600 "$root/etc/shadow"

	{
		grep -v '^#' "$here/packages"
		echo "busybox $BUSYBOX_VERSION source - GPL-2.0-only"
		grep '^musl-dev ' < <(printf '%s\n' "${LIBRARIES[@]}")
	} | while read -r name ver _ _ licence; do echo "$name $ver $licence"; done >"$root/usr/share/packages"

	ln -s tmp "$root/var"
	ln -s tmp/run "$root/run"
	ln -s /proc/mounts "$root/etc/mtab"
	ln -s /tmp/resolv.conf "$root/etc/resolv.conf"
	ln -s /tmp/TZ "$root/etc/TZ"
	ln -s /tmp/localtime "$root/etc/localtime"
	ln -s firstboot "$root/sbin/jffs2reset"
	ln -s ifup "$root/sbin/ifdown"

	# The services that are on from the start: what `enable` would do, done here.
	for file in "$root"/etc/init.d/*; do
		name=${file##*/}
		grep -q '^ENABLED=0' "$file" && continue
		path=$(sed -n 's/^START=//p' "$file"); [[ -z $path ]] || ln -s "../init.d/$name" "$root/etc/rc.d/S$path$name"
		path=$(sed -n 's/^STOP=//p' "$file"); [[ -z $path ]] || ln -s "../init.d/$name" "$root/etc/rc.d/K$path$name"
	done
}

any_toolchain=no
case ${1:-} in
	--manifest)
		write_manifest
		write_sources "$(grep '^package ' "$here/SOURCES")"
		exit 0
		;;
	--any-toolchain) any_toolchain=yes ;;
	'') ;;
	*) die "unknown option $1 (known: --any-toolchain, --manifest)" ;;
esac

install_missing squashfs-tools "${COMPILE_DEPENDENCIES[@]}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root packages=$work/packages sysroot=$work/sysroot debs=${DEBS:-$work/debs}
mkdir -p "$root" "$packages" "$sysroot" "$work/debs" "$work/programs"
unpack_all
# Before the long part, so that a wrong compiler is told at once.
lines=$(package_lines)
make_compiler
compile_busybox "$work/programs/busybox"
compile_uci "$work/programs/uci"
compose_root

rm -f "$work/rootfs.squashfs"
mksquashfs "$root" "$work/rootfs.squashfs" -quiet -no-progress -noappend -no-xattrs -no-exports \
	-all-root -all-time $epoch -mkfs-time $epoch -processors 1 "${compression[@]}"
# mksquashfs pads to 4 KiB by itself; say so rather than trust it.
truncate -s %4096 "$work/rootfs.squashfs"

bytes=$(stat -c %s "$work/rootfs.squashfs")
if ((bytes > limit)); then
	echo "build.sh: the squashfs has $bytes bytes, more than $limit" >&2
	exit 1
fi
cp "$work/rootfs.squashfs" "${OUT:-$here/rootfs.squashfs}"
echo "rootfs.squashfs: $bytes bytes"
[[ -n ${OUT:-} ]] && exit 0
write_manifest
write_sources "$lines"
