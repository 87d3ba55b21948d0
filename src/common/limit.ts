/** A limit on how much goes on at a time. */
import { abortable } from "./abort.js";
import { deferred } from "./deferred.js";

/** More wait than may. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";

  constructor(most: number) {
    super(`More than ${most} wait already.`);
  }
}

/** A counting semaphore: so many hold a permit at a time, the others wait, first come first served. */
export class Semaphore {
  #free: number;
  readonly #mayWait: number;
  readonly #waiting = new Set<() => void>();

  /**
   * @param permits how many may hold one at a time
   * @param mayWait how many may wait for one
   */
  constructor(permits: number, mayWait = Infinity) {
    this.#free = permits;
    this.#mayWait = mayWait;
  }

  /**
   * @returns what gives the permit back; calls after the first do nothing
   * @throws {QueueFullError} too many wait; or the signal's reason
   */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    let held = true;
    return () => {
      if (held) this.#release();
      held = false;
    };
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next) next();
    else this.#free++;
  }

  async #turn(signal?: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mayWait) throw new QueueFullError(this.#mayWait);
    const turn = deferred();
    let given = false;
    const take = () => {
      given = true;
      this.#waiting.delete(take);
      turn.resolve();
    };
    this.#waiting.add(take);
    try {
      await (signal ? abortable(turn.promise, signal) : turn.promise);
    } catch (error) {
      this.#waiting.delete(take);
      // It came in the moment the wait was given up.
      if (given as boolean) this.#release();
      throw error;
    }
  }
}
