/** Lets so many work at a time; the others wait for their turn, and no more than a bounded number of them. */
import { NetworkError } from "../network/errors.js";

const MAX_WAITING = 1000;

export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atATime: number) {
    this.#free = atATime;
  }

  /**
   * @returns what to call when the work is over; calls after the first do nothing
   * @throws {NetworkError} too many wait, or `signal` aborted
   */
  async wait(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw new NetworkError("off");
    if (this.#free > 0) this.#free--;
    else await this.#queue(signal);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
  }

  #queue(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.reject(new NetworkError("unreachable", "too many requests at a time"));
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        const at = this.#waiting.indexOf(go);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(new NetworkError("off"));
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(go);
    });
  }
}
