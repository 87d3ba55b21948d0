/** A time limit that is set, lifted and set again as work makes progress. */
export class Countdown {
  readonly #milliseconds: number;
  readonly #expired: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param milliseconds `Infinity`: no limit */
  constructor(milliseconds: number, expired: () => void) {
    this.#milliseconds = milliseconds;
    this.#expired = expired;
  }

  /** Starts anew. */
  start(): void {
    this.stop();
    if (this.#milliseconds !== Infinity)
      this.#timer = setTimeout(this.#expired, this.#milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
