# The firmware's root filesystem as a place to run its own programs in, on the host: no emulator, no boot. For tests that
# are about one program; those that are about a whole router are in test/e2e. Sourced by the tests beside it.
#
# Needs root, an x86 kernel that runs i386 programs, and Debian's squashfs-tools. ROOTFS names another squashfs.

# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The mounts below are this process's own and go with it.
if [[ -z ${IN_NAMESPACE:-} ]]; then
	IN_NAMESPACE=1 exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi

work=$(mktemp -d)
leave() {
	umount -R "$work/root" 2>/dev/null || true
	umount "$work/disk" 2>/dev/null || true
	rm -rf --one-file-system "$work"
}
trap leave EXIT
unsquashfs -quiet -no-progress -dest "$work/rom" "${ROOTFS:-$here/rootfs.squashfs}" >/dev/null
root=$work/root
failed=0 passed=0

# A fresh router's root: the ROM under an overlay of `size` bytes, as the machine would have it.
fresh_root() { # fresh_root [SIZE]
	umount -R "$root" 2>/dev/null || true
	umount "$work/disk" 2>/dev/null || true
	mkdir -p "$root" "$work/disk"
	mount -t tmpfs -o "size=${1:-4m}" disk "$work/disk"
	mkdir "$work/disk/upper" "$work/disk/work"
	mount -t overlay -o "lowerdir=$work/rom,upperdir=$work/disk/upper,workdir=$work/disk/work" root "$root"
	mount -t proc proc "$root/proc"
	# A host name may be written by what runs in here; the host's stays its own.
	mount --bind -o ro "$root/proc/sys" "$root/proc/sys"
	mount -t tmpfs -o size=8m,mode=1777 tmp "$root/tmp"
	mount -t tmpfs -o size=64k dev "$root/dev"
	mknod -m 666 "$root/dev/null" c 1 3
	mknod -m 666 "$root/dev/zero" c 1 5
	mknod -m 666 "$root/dev/full" c 1 7
	mknod -m 666 "$root/dev/urandom" c 1 9
	: >"$root/dev/kmsg"
	mkdir -m 700 "$root/tmp/.uci"
	mkdir -p "$root/tmp/run" "$root/tmp/log" "$root/tmp/etc"
	mount --bind "$work/disk" "$root/overlay"
	mount --bind "$work/rom" "$root/rom"
}

# Runs a command in the root with the environment of a console.
in_root() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=vt102 chroot "$root" "$@"; }
sh_in_root() { in_root /bin/ash -c "$1"; }

# Leaves no block of the disk free.
fill_disk() {
	dd if=/dev/zero of="$work/disk/upper/filler" bs=4k 2>/dev/null || true
}

pass() { passed=$((passed + 1)); }
fault() { # fault NAME EXPECTED GOT
	failed=$((failed + 1))
	printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
}
same() { # same NAME EXPECTED GOT
	if [[ $2 == "$3" ]]; then pass; else fault "$@"; fi
}
# says NAME EXPECTED-OUTPUT EXPECTED-STATUS COMMAND: what a line of shell prints in the root; standard error counts
says() {
	local got rc=0
	got=$(sh_in_root "$4" 2>&1) || rc=$?
	if [[ $got == "$2" && $rc == "$3" ]]; then pass; else fault "$1" "($3) $2" "($rc) $got"; fi
}
report() {
	echo "$1: $passed passed, $failed failed"
	[[ $failed == 0 ]]
}
