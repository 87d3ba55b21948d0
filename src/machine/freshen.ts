/**
 * What a router must be told after its memory was restored, before anybody can use it: the time, and that others may
 * have been restored from the same state, so that its random numbers must be its own from here on.
 */
import type { RouterShell } from "./shell.js";

/** Bytes of entropy; the kernel's pool has 256 bits, and /proc/vmfork takes 16 to 64 bytes (kernels/v86-6.12/vmfork.c). */
const ENTROPY_BYTES = 48;
/** What is drawn for it, of which one in 256 is left out. */
const DRAWN_BYTES = 64;
const ANSWER_MS = 30_000;

/** @throws {Error} the router's shell does not answer, or could not do it */
export async function freshen(shell: RouterShell): Promise<void> {
  // The shell's printf ends a write at a newline, and what /proc/vmfork gets must come in one.
  const bytes = crypto
    .getRandomValues(new Uint8Array(DRAWN_BYTES))
    .filter((byte) => byte !== 0x0a)
    .slice(0, ENTROPY_BYTES);
  const octal = Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const seconds = Math.floor(Date.now() / 1000);
  // Another kernel than ours takes the bytes, but uses them within a minute only.
  const { exitCode } = await shell.exec(
    `date -u -s @${seconds} >/dev/null; ` +
      `f=/proc/vmfork; [ -e $f ] || f=/dev/urandom; printf '${octal}' >$f`,
    { timeout: ANSWER_MS },
  );
  if (exitCode !== 0) throw new Error(`The restored router could not be freshened (${exitCode}).`);
}
