/**
 * Keeps the router's clock at the computer's. The guest counts time by the emulator's, which stands still while the computer
 * sleeps and knows nothing of it when its clock is set.
 */
import type { Clock } from "../common/clock.js";

/** How often it is looked, in milliseconds; a computer that wakes up is noticed no later. */
const LOOK_MS = 5000;
/** What the two may differ before the router is told, in milliseconds: NTP slews less than that in a look. */
const TOLERANCE_MS = 1500;

export class GuestClock {
  readonly #clock: Clock;
  readonly #wall: () => number;
  readonly #set: (milliseconds: number) => Promise<void>;
  /** what wall time is ahead of the time that the guest counts by, as the router was told last */
  #ahead: number;
  #callOff: (() => void) | undefined;

  /**
   * @param clock what the guest's time follows
   * @param wall milliseconds since 1970
   * @param set tells the router its time; may fail, then it is told at the next look
   */
  constructor(clock: Clock, wall: () => number, set: (milliseconds: number) => Promise<void>) {
    this.#clock = clock;
    this.#wall = wall;
    this.#set = set;
    this.#ahead = wall() - clock.now();
    this.#wait();
  }

  end(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }

  #wait(): void {
    this.#callOff = this.#clock.after(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const ahead = this.#wall() - this.#clock.now();
    if (Math.abs(ahead - this.#ahead) > TOLERANCE_MS) {
      try {
        await this.#set(this.#wall());
        this.#ahead = ahead;
      } catch {
        // It is told at the next look.
      }
    }
    if (this.#callOff) this.#wait();
  }
}
