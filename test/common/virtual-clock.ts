/** Time that passes when nobody has anything left to do: hours take moments, and the same way each time. */
import type { Clock } from "../../src/common/clock.js";

/** Longer than any test waits for; a test that never ends fails at it. */
const LIMIT_MS = 24 * 3600 * 1000;

export class VirtualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ due: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { due: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const stop = () => {
      settled = true;
    };
    promise.then(stop, stop);
    const end = this.#now + LIMIT_MS;
    for (;;) {
      await idle();
      // Set by the promise in between.
      if (settled as boolean) return promise;
      if (this.#now > end || !this.#step(Infinity)) throw new Error("Nothing will settle this.");
    }
  }

  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    do await idle();
    while (this.#step(end));
    this.#now = end;
    await idle();
  }

  /** Runs the timers that are due next, if that is not after `end`. */
  #step(end: number): boolean {
    let due = Infinity;
    for (const timer of this.#timers) due = Math.min(due, timer.due);
    if (due > end || due === Infinity) return false;
    this.#now = Math.max(this.#now, due);
    for (const timer of [...this.#timers])
      if (timer.due <= this.#now && this.#timers.delete(timer)) timer.run();
    return true;
  }
}

/** Everything that waits for no time is done. */
function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ("setImmediate" in globalThis) return void setImmediate(resolve);
    // A browser has none, and makes timers that are set again and again wait for 4 ms.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
