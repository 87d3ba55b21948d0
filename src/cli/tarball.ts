/**
 * Turns a root tarball into a squashfs by squashfs-tools' sqfstar, which needs no root to give files their owners and
 * to make device nodes. The same tarball gives the same bytes.
 */
import { CommandError } from "./errors.js";
import { setRootTime } from "./root-time.js";
import { runTool } from "./tool.js";

/** Seconds since 1970 that the image and its top folder carry; the files keep the tarball's times. */
const TIME = 0;

/**
 * gzip is quick to read in the emulator (images/demo/README.md), and browsers can read it too, so that a factory state
 * need not hold again what the image holds (src/snapshot/shared-pages.ts). Uncompressed inodes (-noI) are what
 * setRootTime can change.
 */
const OPTIONS = [
  ...["-comp", "gzip", "-b", "128K", "-noI"],
  ...["-mkfs-time", String(TIME), "-root-mode", "755", "-root-uid", "0", "-root-gid", "0"],
  ...["-no-progress", "-quiet"],
];

/**
 * @param tarball not compressed
 * @param into squashfs to make
 * @throws {CommandError} squashfs-tools is missing, or the tarball is damaged
 */
export async function repackTarball(
  tarball: string,
  into: string,
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, complaint } = await runTool("sqfstar", [...OPTIONS, into], {
    input: tarball,
    signal,
    debianPackage: "squashfs-tools",
  });
  if (exitCode !== 0)
    throw new CommandError(
      `The tarball cannot be made into a squashfs: ${complaint.replace(/^FATAL ERROR: /, "")}. Download it again.`,
    );
  await setRootTime(into, TIME);
}
