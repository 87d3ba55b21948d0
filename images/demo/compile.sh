# The programs of the demo firmware that are compiled: busybox from Debian's source package, and uci/. Sourced by build.sh.
#
# Debian's own busybox-static shows file names up to U+02FF only and lacks applets that OpenWrt has; busybox.config says
# what is different here, and busybox.patch mends what loses files on a full disk. Both programs are linked statically
# with musl, the C library of OpenWrt. The compiler leaves its mark in them, so its version is pinned too.

# shellcheck shell=bash disable=SC2154

BUSYBOX_VERSION=1:1.35.0-4+deb12u1
# Of the .dsc file, which holds the digests of the archives.
BUSYBOX_SHA256=9c01fe128b0eeded371c70e37d474fdb5055f71b5d0a778db44c6b0c62d3a7fa

# Package, version, architecture, SHA-256 of the .deb, SPDX licence. Unpacked, not installed.
LIBRARIES=(
	"musl-dev 1.2.3-1 i386 e7e49904a302b4c986cc7729b1af9117f7a01a928b12c43e75bdd015697bff82 MIT"
	"lib32gcc-12-dev 12.2.0-14+deb12u1 amd64 d0676d8c516226ce533d1ef721a13ecd9a57a97f58264bdb6c843a546d5c9f33 GPL-3.0-or-later WITH GCC-exception-3.1"
	"linux-libc-dev 6.1.176-1 i386 94b68e46c4df2da33b443c0f1f3ec74691e71ff54b053f0a6198d7b62d159c5e GPL-2.0-only WITH Linux-syscall-note"
)
# Package, version, SPDX licence.
TOOLCHAIN=(
	"gcc-12 12.2.0-14+deb12u1 GPL-3.0-or-later"
	"cpp-12 12.2.0-14+deb12u1 GPL-3.0-or-later"
	"binutils-x86-64-linux-gnu 2.40-2 GPL-3.0-or-later"
)
COMPILE_DEPENDENCIES=(binutils dpkg-dev gcc gcc-12 cpp-12 make libc6-dev patch bzip2 xz-utils)

# Sets `cc` to a compiler for static i386 programs with musl, made of what is unpacked in $sysroot.
make_compiler() {
	local include=$sysroot/usr/include lib=$sysroot/usr/lib/i386-linux-musl path
	path="-nostdinc -isystem $include/i386-linux-musl -isystem include%s -isystem $include/i386-linux-gnu -isystem $include"
	cat >"$work/musl.specs" <<-EOF
	%rename cpp_options old_cpp_options

	*cpp_options:
	$path %(old_cpp_options)

	*cc1:
	%(cc1_cpu) $path

	*link_libgcc:
	-L$lib

	*libgcc:
	$sysroot/usr/lib/gcc/x86_64-linux-gnu/12/32/libgcc.a

	*startfile:
	$lib/crt1.o $lib/crti.o

	*endfile:
	$lib/crtn.o

	*link:
	-m elf_i386 -static -nostdlib

	EOF
	cc=$work/cc
	cat >"$cc" <<-EOF
	#!/bin/sh
	exec gcc-12 -m32 -march=i686 -fno-pie -no-pie -ffile-prefix-map=$work=. -specs=$work/musl.specs "\$@"
	EOF
	chmod +x "$cc"
}

# compile_busybox TO: busybox, and beside it busybox.links with the paths of its applets
compile_busybox() {
	local tree=$work/busybox line option lost=()
	dpkg-source --extract "$dsc" "$tree" >/dev/null
	patch --quiet --strip=1 --fuzz=0 --directory="$tree" <"$here/busybox.patch"
	cp "$tree/debian/config/pkg/static" "$tree/.config"
	while IFS= read -r line; do
		option=$(sed -nE 's/^(# )?(CONFIG_[A-Z0-9_]+)(=.*| is not set)$/\2/p' <<<"$line")
		[[ -n $option ]] || continue
		sed -i -E "/^(# )?$option(=| is not set)/d" "$tree/.config"
		echo "$line" >>"$tree/.config"
	done <"$here/busybox.config"
	# Without these the time of the build would be in the result.
	export KCONFIG_NOTIMESTAMP=1
	# oldconfig takes the default of what is new; `yes` ends by a signal when it has read enough.
	{ yes '' || true; } | make -C "$tree" oldconfig >/dev/null 2>&1
	# It drops silently what a dependency forbids.
	while IFS= read -r line; do
		case $line in
			CONFIG_*) grep -qxF -- "$line" "$tree/.config" || lost+=("$line") ;;
			'# CONFIG_'*' is not set')
				option=${line#\# }
				! grep -q "^${option% is not set}=" "$tree/.config" || lost+=("$line")
				;;
		esac
	done <"$here/busybox.config"
	((${#lost[@]} == 0)) || die "busybox does not accept: ${lost[*]}"
	make -C "$tree" -j"$(nproc)" CC="$cc" HOSTCC=gcc BB_EXTRA_VERSION="Debian $BUSYBOX_VERSION, musl" \
		busybox busybox.links >"$work/busybox.log" 2>&1 || die "busybox: $(tail -n 20 "$work/busybox.log")"
	install -m 755 "$tree/busybox" "$1"
	cp "$tree/busybox.links" "$1.links"
}

compile_uci() { # compile_uci TO
	(cd "$here/uci" && "$cc" -std=c11 -D_GNU_SOURCE -Os -Wall -Wextra -Werror -ffunction-sections -fdata-sections \
		-Wl,--gc-sections -s -o "$1" text.c tree.c store.c main.c)
}
