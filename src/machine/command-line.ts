/**
 * What every kernel is booted with: root and overlay on the one disk, OpenWrt's preinit, messages on ttyS0. Freed memory is
 * cleared, which makes a saved state a fifth smaller.
 */
export const COMMAND_LINE =
  "console=ttyS0 root=/dev/sda rootfstype=squashfs ro init=/etc/preinit tsc=reliable random.trust_cpu=on init_on_free=on";

/** Asks OpenWrt's preinit for failsafe (package/base-files, 30_failsafe_wait), and that of the demo. */
export const FAILSAFE = "failsafe=1";
