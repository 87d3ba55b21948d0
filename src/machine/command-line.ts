/**
 * What every kernel is booted with: root and overlay on the one disk, OpenWrt's preinit, messages on ttyS0. Freed memory is
 * cleared, which makes a saved state a fifth smaller. Linux believes a drive's word that what was trimmed reads as zeros
 * only of models that it knows; the loop device below the overlay passes TRIM on only then.
 */
export const COMMAND_LINE =
  "console=ttyS0 root=/dev/sda rootfstype=squashfs ro init=/etc/preinit tsc=reliable random.trust_cpu=on init_on_free=on libata.force=trim_zero";

/** Asks OpenWrt's preinit for failsafe (package/base-files, 30_failsafe_wait), and that of the demo. */
export const FAILSAFE = "failsafe=1";
