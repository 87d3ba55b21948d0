/**
 * Runs in a restored router what people do first, while it is idle and looked at: what the emulator compiled is in no saved
 * state, so that everything is slow the first time. Gives way at once to whoever does something, and ends for good when
 * it has taken its share of the CPU.
 */
import type { Clock } from "../common/clock.js";

/** How long nothing must have happened before it begins, or goes on, in milliseconds. */
const IDLE_MS = 400;
/** What all of it may take, in milliseconds of a CPU that does nothing else. */
const BUDGET_MS = 2000;

/** Something that is worth having done once; ends early when the signal aborts. */
export type WarmStep = (signal: AbortSignal) => Promise<unknown>;

export interface WarmUpOptions {
  readonly clock: Clock;
  /** in the order of their worth */
  readonly steps: readonly WarmStep[];
  /** whether the page is looked at, now */
  readonly visible: boolean;
  /** whether it would be in the way of something just now */
  readonly inTheWay: () => boolean;
}

export class WarmUp {
  readonly #clock: Clock;
  readonly #inTheWay: () => boolean;
  readonly #steps: WarmStep[];
  #visible: boolean;
  #left = BUDGET_MS;
  #running: AbortController | undefined;
  #callOff: (() => void) | undefined;

  constructor({ clock, steps, visible, inTheWay }: WarmUpOptions) {
    this.#clock = clock;
    this.#steps = [...steps];
    this.#visible = visible;
    this.#inTheWay = inTheWay;
    this.#wait();
  }

  /** Somebody does something with the router. */
  touched(): void {
    this.#running?.abort(new DOMException("Somebody uses the router.", "AbortError"));
    this.#wait();
  }

  /** Whether the page is looked at; nobody waits for a router in a hidden one. */
  set visible(visible: boolean) {
    this.#visible = visible;
    this.touched();
  }

  end(): void {
    this.#steps.length = 0;
    this.touched();
  }

  #wait(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#steps.length === 0 || !this.#visible || this.#left <= 0) return;
    this.#callOff = this.#clock.after(IDLE_MS, () => void this.#run());
  }

  /** One step after the other, until somebody comes. A step that was cut short is not begun again: most of it is done. */
  async #run(): Promise<void> {
    if (this.#running || this.#inTheWay()) return this.#wait();
    const running = (this.#running = new AbortController());
    while (this.#steps.length > 0 && this.#left > 0 && !running.signal.aborted) {
      if (this.#inTheWay()) {
        this.#wait();
        break;
      }
      const step = this.#steps.shift();
      const began = this.#clock.now();
      const late = this.#clock.after(this.#left, () =>
        running.abort(new DOMException("It takes too long.", "TimeoutError")),
      );
      await step?.(running.signal).catch(() => undefined);
      late();
      this.#left -= this.#clock.now() - began;
    }
    this.#running = undefined;
  }
}
