/**
 * Decides when a running router's memory is saved.
 *
 * A tab is closed or reloaded without a word, so what a person did is saved as soon as the router is quiet. Most urgent is
 * a memory that the disk has moved on from: without a save the next visit boots. What a router does by itself is saved
 * seldom, and only as much as somebody's flash memory should bear: at most 60 MB in ten minutes.
 */
import type { Clock } from "../common/clock.js";

/** How long somebody counts as being at work after they did something, in milliseconds: services restart meanwhile. */
const AT_WORK_MS = 15_000;
/** How long after a failure it is tried again, in milliseconds: the first time, and at most. */
const RETRY_MS = 2000;
const MAX_RETRY_MS = 60_000;
/** Every save is a debt in bytes, of which so much is forgiven a second. */
const FORGIVEN_A_SECOND = 40_000;
/** From which debt on a router that works by itself waits, and from which on a person's saves are no longer urgent. */
const DEBT_BYTES = 20_000_000;
const HEAVY_DEBT_BYTES = 60_000_000;

/** All in milliseconds. */
interface Pace {
  /** how long nothing must have happened */
  readonly quiet: number;
  /** how long what happens without a pause may put a save off */
  readonly most: number;
  /** from the end of the save before */
  readonly apart: number;
}

/** Somebody is at work, and what is kept does not fit the disk any more. */
const URGENT: Pace = { quiet: 300, most: 10_000, apart: 1000 };
/** Somebody did something that the disk does not show: text in an editor, a program started. */
const USED: Pace = { quiet: 1000, most: 10_000, apart: 5000 };
/** The router changed its disk by itself. */
const STALE: Pace = { quiet: 1000, most: 10_000, apart: 10_000 };
/** It printed something. */
const PRINTED: Pace = { quiet: 1000, most: 10_000, apart: 30_000 };

export interface MemoryScheduleOptions {
  readonly clock: Clock;
  /** saves; resolves with the bytes written, `undefined` when nothing is to be kept; rejects when it cannot just now */
  readonly save: () => Promise<number | undefined>;
  /** whether what is kept fits what is stored of the disk now */
  readonly isCurrent: () => boolean;
}

/** What happened that is in no save. */
interface Pending {
  /** whether somebody did something, and not only the router by itself */
  used: boolean;
  /** when it began */
  since: number;
  /** when it went on last; printing does not count */
  last: number;
}

export class MemorySchedule {
  readonly #options: MemoryScheduleOptions;
  #pending: Pending | undefined;
  /** when somebody did something last */
  #lastUse = -Infinity;
  /** whether the `sync` that follows what somebody did is still to come */
  #awaitsSync = false;
  #lastSave = -Infinity;
  #debt = 0;
  #failures = 0;
  /** after a failure: not before then */
  #retryAt = -Infinity;
  #saving = false;
  /** whether nothing may be waited for */
  #atOnce = false;
  #isOn: boolean;
  #callOff: (() => void) | undefined;
  /** when the timer comes */
  #timerAt = Infinity;

  /** @param isOn whether memory is saved at all, from the beginning */
  constructor(options: MemoryScheduleOptions, isOn = true) {
    this.#options = options;
    this.#isOn = isOn;
  }

  /** Whether memory is saved. */
  get on(): boolean {
    return this.#isOn;
  }

  set on(on: boolean) {
    this.#isOn = on;
    if (on) this.#happened({ used: true });
    else {
      this.#callOff?.();
      this.#timerAt = Infinity;
      this.#pending = undefined;
    }
  }

  /** Whether a save is under way, or one of what somebody did is to come. */
  get isSaving(): boolean {
    return this.#saving || this.#pending?.used === true;
  }

  /** Somebody did something; {@link synced} follows. */
  used(): void {
    this.#lastUse = this.#options.clock.now();
    this.#awaitsSync = true;
    this.#happened({ used: true });
  }

  /** The router stored what it held back. */
  synced(): void {
    this.#awaitsSync = false;
    this.#arm();
  }

  /** Something was stored on the disk. */
  stored(): void {
    this.#happened({ used: false });
  }

  /** The router printed something. */
  printed(): void {
    if (!this.#pending) this.#happened({ used: false });
  }

  /** Nobody looks at the router any more, and nobody may ever again. */
  hidden(): void {
    if (!this.#isOn || !this.#pending) return;
    this.#atOnce = true;
    this.#arm();
  }

  /** What was kept gave way to something more important: nothing is saved for a while. */
  putOff(): void {
    this.#retryAt = this.#options.clock.now() + MAX_RETRY_MS;
  }

  #happened({ used }: { used: boolean }): void {
    if (!this.#isOn) return;
    const now = this.#options.clock.now();
    const happened = { used, since: now, last: now };
    this.#pending = this.#pending ? together(this.#pending, happened) : happened;
    this.#arm();
  }

  /** Sees to it that somebody looks again in time. */
  #arm(): void {
    const { clock } = this.#options;
    const due = this.#due();
    // A timer that comes earlier looks again.
    if (due >= this.#timerAt) return;
    this.#callOff?.();
    this.#timerAt = due;
    this.#callOff = clock.after(Math.max(0, due - clock.now()), () => {
      this.#timerAt = Infinity;
      if (this.#due() <= clock.now()) void this.#save();
      else this.#arm();
    });
  }

  /** When the next save is to begin. */
  #due(): number {
    if (!this.#pending || this.#saving) return Infinity;
    if (this.#atOnce) return -Infinity;
    const { since, last } = this.#pending;
    const { quiet, most, apart } = this.#pace();
    return Math.max(
      Math.min(this.#awaitsSync ? Infinity : last + quiet, since + most),
      this.#lastSave + apart,
      this.#retryAt,
      this.#pending.used ? -Infinity : this.#forgivenAt(DEBT_BYTES),
    );
  }

  #pace(): Pace {
    const now = this.#options.clock.now();
    if (!this.#options.isCurrent()) {
      const urgent = now - this.#lastUse < AT_WORK_MS && this.#forgivenAt(HEAVY_DEBT_BYTES) <= now;
      return urgent ? URGENT : STALE;
    }
    return this.#pending?.used ? USED : PRINTED;
  }

  /** When the debt is down to so much. */
  #forgivenAt(debt: number): number {
    return this.#lastSave + ((this.#debt - debt) / FORGIVEN_A_SECOND) * 1000;
  }

  async #save(): Promise<void> {
    const { clock, save } = this.#options;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#atOnce = false;
    this.#saving = true;
    try {
      const bytes = (await save()) ?? 0;
      const now = clock.now();
      const forgiven = ((now - this.#lastSave) / 1000) * FORGIVEN_A_SECOND;
      this.#debt = Math.max(0, this.#debt - forgiven) + bytes;
      this.#lastSave = now;
      this.#failures = 0;
    } catch {
      // The router was too busy, or there is no room: what was to be saved still is.
      if (this.#isOn && pending) this.#pending = together(pending, this.#pending);
      this.#retryAt = clock.now() + Math.min(RETRY_MS * 2 ** this.#failures++, MAX_RETRY_MS);
    }
    this.#saving = false;
    this.#arm();
  }
}

function together(earlier: Pending, later: Pending | undefined): Pending {
  if (!later) return earlier;
  return { used: earlier.used || later.used, since: earlier.since, last: later.last };
}
