/**
 * Notices that the router's output was stopped by Ctrl+S (XOFF), which looks like a router that hangs.
 *
 * Only the router knows for sure: a program may take Ctrl+S for something else, and the kernel prints all the same. So
 * it counts as stopped when what is typed after Ctrl+S brings no output. Ctrl+Q (XON) goes on, and so do the keys that
 * interrupt.
 *
 * @see Linux, drivers/tty/n_tty.c: n_tty_receive_signal_char starts the output again
 */
import type { Clock } from "../common/clock.js";

const XOFF = "\x13";
/** XON, and INTR, QUIT and SUSP as they are set on every Linux terminal: Ctrl+Q, Ctrl+C, Ctrl+\, Ctrl+Z. */
const GOES_ON = ["\x11", "\x03", "\x1c", "\x1a"];

/** Longer than output is on its way from the router: its serial line's queue, the worker, the page. */
const SETTLE_MS = 400;

export class FlowControl {
  /** whether Ctrl+S was typed, and nothing that goes on */
  #held = false;
  #stopped = false;
  #callOff: (() => void) | undefined;
  #lastOutput = -Infinity;

  /** @param onChange called when {@link stopped} changed */
  constructor(
    private readonly clock: Clock,
    private readonly onChange: () => void,
  ) {}

  /** Whether the output is stopped. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** @param text what was typed, as it goes to the router */
  typed(text: string): void {
    for (const char of text)
      if (char === XOFF) this.#held = true;
      else if (GOES_ON.includes(char)) this.reset();
    if (this.#held) this.#watch();
  }

  /** The router has printed something. */
  output(): void {
    this.#lastOutput = this.clock.now();
    this.#set(false);
  }

  /** Forgets everything: another router, or a new start. */
  reset(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#held = false;
    this.#set(false);
  }

  #watch(): void {
    this.#callOff?.();
    this.#callOff = this.clock.after(SETTLE_MS, () => {
      this.#callOff = undefined;
      // Output in the second half of the wait cannot have been on its way: nothing was stopped.
      this.#set(this.clock.now() - this.#lastOutput > SETTLE_MS / 2);
    });
  }

  #set(stopped: boolean): void {
    if (stopped === this.#stopped) return;
    this.#stopped = stopped;
    this.onChange();
  }
}
