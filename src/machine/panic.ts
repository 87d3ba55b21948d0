/**
 * Tells a real kernel panic from a line that only looks like one.
 *
 * A panicked kernel spins in a delay loop with interrupts on (kernel/panic.c) and never idles again; a living one
 * idles now and then, or answers.
 */
import type { RouterShell } from "./shell.js";
import type { Pc } from "./v86.js";

const WATCH_MS = 3000;
const SAMPLE_MS = 50;
const ANSWER_MS = 3000;

/** @param busy whether a command is running in the shell, so that it cannot answer */
export async function isPanic(pc: Pc, shell: RouterShell, busy: boolean): Promise<boolean> {
  const end = performance.now() + WATCH_MS;
  while (performance.now() < end) {
    if (pc.idle) return false;
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
  if (busy) return true;
  return shell.exec(":", { timeout: ANSWER_MS }).then(
    () => false,
    () => true,
  );
}
