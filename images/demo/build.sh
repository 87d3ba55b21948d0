#!/bin/bash
# Builds the demo firmware's root filesystem from pinned Debian i386 packages and the scripts in files/.
#
#   images/demo/build.sh             rootfs.squashfs, SOURCES and firmware.json
#   images/demo/build.sh --manifest  firmware.json and SOURCES only (after the kernel was rebuilt)
#
# In the environment: DEBS, a directory that already holds the .deb files (nothing is downloaded then); OUT, a file for
# the squashfs, and nothing else is written; COMPRESSION, mksquashfs options to try.
#
# Needs Debian 12 and root (apt). The same inputs give the same bytes: versions and digests are pinned in
# `packages`, times are fixed, owners are root, modes follow from the content, names are sorted.
set -euo pipefail
export LC_ALL=C TZ=UTC
umask 022

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
kernel_name=v86-6.12
kernel="$top/kernels/$kernel_name/bzImage"
version=1.0
disk_bytes=$((96 * 1024 * 1024))
limit=4000000                           # bytes the squashfs may have
# 2025-01-01T00:00:00Z: every inode and the superblock carry this time. The guest's clock starts from the
# PC's clock, so the value is only there to be the same in every build. Given to mksquashfs by option, as
# it refuses the options while the variable is set.
epoch=1735689600
unset SOURCE_DATE_EPOCH
# Measured in v86: see README.md, "Compression".
read -ra compression <<<"${COMPRESSION:--comp gzip -b 131072}"

digest() { sha256sum <"$1" | cut -d' ' -f1; }

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

write_sources() {
	local name ver arch sum licence file
	{
		echo "rebuild images/demo/build.sh"
		while read -r name ver arch sum licence; do
			[[ $name == \#* || -z $name ]] || echo "package $name $ver $arch $sum $licence"
		done <"$here/packages"
		cd "$here"
		find . -type f ! -name SOURCES ! -name firmware.json ! -name rootfs.squashfs ! -name '*.tmp' -printf '%P\n' |
			sort | while read -r file; do echo "recipe $(digest "$file") $file"; done
		echo "artifact $(digest rootfs.squashfs) rootfs.squashfs"
	} >"$here/SOURCES.tmp"
	mv "$here/SOURCES.tmp" "$here/SOURCES"
}

# Downloads each pinned package and unpacks it into $1, or ends the build when a digest differs.
unpack_packages() {
	local into=$1 debs=$2 name ver arch sum licence deb
	cd "$debs"
	if [[ -z ${DEBS:-} ]]; then
		dpkg --print-foreign-architectures | grep -qx i386 || dpkg --add-architecture i386
		# Other sources of this machine may be down; what counts is whether the pinned versions are there.
		apt-get update -qq || true
	fi
	while read -r name ver arch sum licence; do
		[[ $name == \#* || -z $name ]] && continue
		[[ -n ${DEBS:-} ]] || apt-get -qq -o APT::Sandbox::User=root download "$name:$arch=$ver"
		deb="$debs/${name}_${ver//:/%3a}_$arch.deb"
		if [[ $(digest "$deb") != "$sum" ]]; then
			echo "build.sh: $name $ver: the package is not the pinned one" >&2
			exit 1
		fi
		dpkg-deb -x "$deb" "$into"
	done <"$here/packages"
}

# Copies an object of the unpacked packages to the root under the name the loader or the user looks for.
take() { install -D -m "${3:-755}" "$(readlink -f "$packages/$1")" "$root/$2"; }

compose_root() {
	local lib=lib/i386-linux-gnu ulib=usr/lib/i386-linux-gnu path name file

	mkdir -p "$root"/{bin,dev,etc/{config,crontabs,dropbear,rc.d,uci-defaults},lib,mnt,overlay,proc,rom,root,sbin,sys,tmp,usr/{bin,lib,libexec,sbin,share},www}
	chmod 700 "$root/root" "$root/etc/dropbear"
	chmod 1777 "$root/tmp"

	take bin/busybox bin/busybox
	# Left out: what the firmware has its own program for, what cannot work here, package tools.
	"$packages/bin/busybox" --list-full | while read -r path; do
		case ${path##*/} in
			busybox | ifup | ifdown | mke2fs | dpkg | dpkg-deb | rpm | rpm2cpio | linuxrc | init | run-init | \
			acpid | mim | nuke | resume | loadfont | loadkmap | dumpkmap | setkeycodes | openvt | chvt | bootchartd) continue ;;
		esac
		mkdir -p "$root/${path%/*}"
		ln -s /bin/busybox "$root/$path"
	done
	ln -sf /bin/busybox "$root/sbin/init"

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

	grep -v '^#' "$here/packages" | while read -r name ver _ _ licence; do echo "$name $ver $licence"; done \
		>"$root/usr/share/packages"

	ln -s tmp "$root/var"
	ln -s tmp/run "$root/run"
	ln -s /proc/mounts "$root/etc/mtab"
	ln -s /tmp/resolv.conf "$root/etc/resolv.conf"
	ln -s /tmp/TZ "$root/etc/TZ"
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

if [[ ${1:-} == --manifest ]]; then
	write_manifest
	write_sources
	exit 0
fi

command -v mksquashfs >/dev/null || apt-get install -y -qq --no-install-recommends squashfs-tools >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root packages=$work/packages
mkdir -p "$root" "$packages" "$work/debs"
unpack_packages "$packages" "${DEBS:-$work/debs}"
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
write_sources
