/**
 * Where what a router changes goes: OpenWrt mounts its overlay over the ROM, one in memory when it cannot (fstools,
 * ramoverlay() in libfstools/overlay.c), and none in failsafe.
 */

/** `disk`: to its disk; `memory`: lost when it is switched off; `none`: the root can only be read */
export type UpperLayer = "disk" | "memory" | "none";

/** Statuses of {@link LOOK}. */
const MEMORY = 81;
const NONE = 82;

/** A script whose exit status says it. */
export const LOOK =
  'r=;while read -r d p t o;do [ $p = / ]&&r="$t $o";done </proc/mounts;' +
  `case $r in overlay*upperdir=/tmp/*|tmpfs*|rootfs*)(exit ${MEMORY});;squashfs*)(exit ${NONE});;esac`;

/** Has the router store what it holds back, and then the same. */
export const SYNC = `sync;${LOOK}`;

/** @param status of {@link LOOK} */
export function upperLayer(status: number): UpperLayer {
  if (status === MEMORY) return "memory";
  return status === NONE ? "none" : "disk";
}
