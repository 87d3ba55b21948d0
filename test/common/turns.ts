/** Waiting without time: for messages and promises to arrive, turn by turn of the event loop. */

/** Many turns: whatever does not wait for something outside has happened. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Turns until a condition holds; fails when it never does. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 100_000) throw new Error(`It never came true: ${String(condition)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
