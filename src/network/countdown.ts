import type { Clock } from "../common/clock.js";

/** A time limit that is set, lifted and set again as work makes progress. */
export class Countdown {
  readonly #clock: Clock;
  readonly #milliseconds: number;
  readonly #expired: () => void;
  #cancel: () => void = () => undefined;

  /** @param milliseconds `Infinity`: no limit */
  constructor(clock: Clock, milliseconds: number, expired: () => void) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
    this.#expired = expired;
  }

  /** Starts anew. */
  start(): void {
    this.stop();
    this.#cancel = this.#clock.after(this.#milliseconds, this.#expired);
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => undefined;
  }
}
