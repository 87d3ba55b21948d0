/** What PC this version emulates: a saved state fits no other. */
import { type PcIdentity } from "../firmware/manifest.js";
import { V86_DIRECTORY } from "./assets.js";

/** RAM of every machine in bytes. */
export const MEMORY_BYTES = 128 * 1024 * 1024;

/**
 * Raised whenever v86.ts, v86-drive.ts, v86-nic.ts, v86-serial.ts or serial-layout.ts changes what devices there are, where,
 * or what the router finds out of them when it boots, when command-line.ts changes, and when control-script.ts changes what
 * it leaves in the router's control shell.
 */
const DEVICES = 4;

/** @param kernel SHA-256 of the kernel that it runs, hex */
export function pcWith(kernel: string): PcIdentity {
  const v86 = V86_DIRECTORY.replace(/^v86-/, "");
  return { v86, devices: DEVICES, memoryBytes: MEMORY_BYTES, kernel };
}
