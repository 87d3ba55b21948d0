/**
 * Tells a real kernel panic from a line that only looks like one.
 *
 * A panicked kernel spins in a delay loop with interrupts on (kernel/panic.c) and never idles again; a living one
 * idles now and then, or answers.
 */
import type { Clock } from "../common/clock.js";

const WATCH_MS = 3000;
const SAMPLE_MS = 50;
const ANSWER_MS = 3000;

/** What is looked at. */
export interface Suspect {
  /** whether the CPU waits in a HLT just now */
  readonly idle: boolean;
}
export interface Witness {
  /** rejects when nobody answers in time */
  status(script: string, options: { timeout: number; inline: boolean }): Promise<unknown>;
}

export async function isPanic(pc: Suspect, shell: Witness, clock: Clock): Promise<boolean> {
  const end = clock.now() + WATCH_MS;
  while (clock.now() < end) {
    if (pc.idle) return false;
    await new Promise<void>((resolve) => void clock.after(SAMPLE_MS, resolve));
  }
  return shell.status(":", { timeout: ANSWER_MS, inline: true }).then(
    () => false,
    () => true,
  );
}
