/**
 * Decides when the router is asked to store what it holds back. Linux keeps written files in memory for up to half a
 * minute, and a file that was renamed by then may be found empty after a pulled plug; but a page is reloaded or closed at
 * any moment. So whenever somebody did something and the router has become quiet, it gets a `sync`.
 */

import type { Clock } from "../common/clock.js";

/** How long nothing must have happened, in milliseconds. */
const QUIET_MS = 200;
/** How long activity without a pause may put it off, in milliseconds. */
const MOST_MS = 2000;
/** When it is asked once more, in milliseconds: services that a command restarts write a little later. */
const AGAIN_MS = 2000;
/** How often a router that prints by itself is asked, in milliseconds. */
const PRINTING_EVERY_MS = 5000;

export class SyncSchedule {
  #callOff: (() => void) | undefined;
  /** since when something has happened that was not asked for yet */
  #since: number | undefined;
  #again = false;
  /** what was done last may not be over: the next output says so */
  #answering = false;
  #syncing = false;
  #last = -Infinity;
  #ended = false;

  /**
   * @param sync has the router store everything; never rejects
   * @param onSynced called after it
   */
  constructor(
    private readonly clock: Clock,
    private readonly sync: () => Promise<void>,
    private readonly onSynced: () => void = () => undefined,
  ) {}

  /** Somebody did something that may have changed files. */
  touched(): void {
    this.#again = true;
    this.#wait(QUIET_MS);
  }

  /** The router printed something: a command goes on, or the router works by itself. */
  printed(): void {
    const late = this.clock.now() - this.#last > PRINTING_EVERY_MS;
    if (!this.#isDue && !this.#answering && !late) return;
    this.#answering = false;
    this.#wait(QUIET_MS);
  }

  /** Whether something that somebody did may not be stored yet. */
  get pending(): boolean {
    return !this.#ended && (this.#again || this.#isDue || this.#syncing);
  }

  /** The router runs no more. */
  end(): void {
    this.#ended = true;
    this.#callOff?.();
  }

  /** Whether something has happened that was not asked for yet. */
  get #isDue(): boolean {
    return this.#since !== undefined;
  }

  #wait(ms: number): void {
    if (this.#ended) return;
    const now = this.clock.now();
    this.#since ??= now;
    this.#callOff?.();
    this.#callOff = this.clock.after(
      Math.max(0, Math.min(ms, this.#since + MOST_MS - now)),
      () => void this.#ask(),
    );
  }

  async #ask(): Promise<void> {
    this.#since = undefined;
    if (this.#syncing) return this.#wait(QUIET_MS);
    const again = this.#again;
    this.#again = false;
    this.#answering = again;
    this.#syncing = true;
    await this.sync();
    this.#syncing = false;
    this.#last = this.clock.now();
    if (again && !this.#isDue) this.#wait(AGAIN_MS);
    this.onSynced();
  }
}
