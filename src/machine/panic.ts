/**
 * Tells a real kernel panic from a line that only looks like one.
 *
 * A panicked kernel spins in a delay loop with interrupts on (kernel/panic.c) and never idles again; a living one
 * idles now and then, or answers.
 */
import type { Clock } from "../common/clock.js";
import type { RouterShell } from "./shell.js";
import type { Pc } from "./v86.js";

const WATCH_MS = 3000;
const SAMPLE_MS = 50;
const ANSWER_MS = 3000;

export async function isPanic(pc: Pc, shell: RouterShell, clock: Clock): Promise<boolean> {
  const end = clock.now() + WATCH_MS;
  while (clock.now() < end) {
    if (pc.idle) return false;
    await new Promise<void>((resolve) => void clock.after(SAMPLE_MS, resolve));
  }
  return shell.exec(":", { timeout: ANSWER_MS }).then(
    () => false,
    () => true,
  );
}
