/**
 * Decides when a running router's memory is saved, so that the next visit goes on where this one ended: when the page is
 * hidden, which is also the last that a page hears before it is closed; and when the router has become quiet, for a tab
 * may be closed without a word.
 */

/** How long nothing must have changed, in milliseconds. */
const QUIET_MS = 4000;
/** Between two saves of a page that is looked at: a state is some 20 MB, and somebody's flash memory. */
const PAUSE_MS = 10_000;

export class SaveSchedule {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listening: AbortController | undefined;
  /** something changed since the last save */
  #changed = false;
  #saving = false;
  #lastSave = -Infinity;

  /** @param save saves the memory; resolves with whether it did, `undefined` when there was nothing to save; never rejects */
  constructor(private readonly save: () => Promise<boolean | undefined>) {}

  /** The router runs from now on. */
  begin(): void {
    this.end();
    const { signal } = (this.#listening = new AbortController());
    const hidden = () => {
      if (document.visibilityState === "hidden") this.#save();
    };
    document.addEventListener("visibilitychange", hidden, { signal });
    window.addEventListener("pagehide", () => this.#save(), { signal });
  }

  /** Something in the router changed. */
  changed(): void {
    this.#changed = true;
    if (!this.#listening) return;
    clearTimeout(this.#timer);
    const wait = Math.max(QUIET_MS, this.#lastSave + PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => this.#save(), wait);
  }

  /** The router runs no more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#listening?.abort();
    this.#listening = undefined;
    this.#changed = false;
  }

  #save(): void {
    if (!this.#changed || this.#saving || !this.#listening) return;
    this.#changed = false;
    this.#saving = true;
    void this.save().then((saved) => {
      this.#saving = false;
      if (saved) this.#lastSave = performance.now();
      // The router was too busy: nothing else may ever change that would bring it up again.
      else if (saved === false) this.changed();
    });
  }
}
