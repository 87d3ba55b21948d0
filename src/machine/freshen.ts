/**
 * What a router must be told after its memory was restored, before anybody can use it: the time, and that others may
 * have been restored from the same state, so that its random numbers must be its own from here on.
 */
import type { ControlShell } from "./control-shell.js";

/** Letters of 6 random bits each, more than the 256 bits of the kernel's pool; /proc/vmfork takes 16 to 64 bytes (kernels/v86-6.12/vmfork.c). */
const LETTERS = 64;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** How long a shell that is as it was left may take to answer, and how long one that has to be found again. */
const ANSWER_MS = 3000;
const FOUND_ANSWER_MS = 30_000;

/** @throws {Error} the router's shell does not answer, or could not do it */
export async function freshen(shell: ControlShell): Promise<void> {
  shell.resume();
  await tell(shell, ANSWER_MS).catch(async () => {
    await shell.restart();
    await tell(shell, FOUND_ANSWER_MS);
  });
}

async function tell(shell: ControlShell, timeout: number): Promise<void> {
  // Letters, for they can be typed as they are; in one write, as /proc/vmfork wants it.
  const random = crypto.getRandomValues(new Uint8Array(LETTERS));
  const secret = Array.from(random, (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join("");
  const seconds = Math.floor(Date.now() / 1000);
  // Another kernel than ours takes the bytes, but uses them within a minute only.
  const status = await shell.status(
    `date -u -s @${seconds};f=/proc/vmfork;[ -e $f ]||f=/dev/urandom;printf %s ${secret} >$f`,
    { timeout, inline: true },
  );
  if (status !== 0) throw new Error(`The restored router could not be freshened (${status}).`);
}
