/**
 * Calls lwIP safely, and on time.
 *
 * lwIP must not be called from within its callbacks, so these leave what follows from them with `later`, and it is done
 * when lwIP has returned. An exception in lwIP is its end: it is caught, every later call answers "otherwise". The timer
 * of the clock is set to when lwIP has something to do next.
 */
import type { Bytes } from "../common/bytes.js";
import type { Clock } from "../common/clock.js";
import { instantiateLwip, type LwipCallbacks, type LwipFunctions } from "./lwip.js";

export interface LwipRunnerOptions {
  readonly lwip: WebAssembly.Module;
  /** 6 bytes */
  readonly mac: Uint8Array;
  readonly clock: Clock;
  readonly callbacks: LwipCallbacks;
  /** after lwIP's timers were run */
  onTick(): void;
  /** lwIP failed; nothing can be done with it any more */
  onFailure(cause: unknown): void;
}

export class LwipRunner {
  readonly #options: LwipRunnerOptions;
  readonly #lwip: LwipFunctions;
  #inside = false;
  #settling = false;
  #ended = false;
  #followUps: (() => void)[] = [];
  #timer: { due: number; cancel: () => void } | undefined;

  private constructor(options: LwipRunnerOptions, lwip: LwipFunctions) {
    this.#options = options;
    this.#lwip = lwip;
    this.#schedule();
  }

  static async create(options: LwipRunnerOptions): Promise<LwipRunner> {
    const { lwip, mac, callbacks } = options;
    return new LwipRunner(options, await instantiateLwip(lwip, mac, callbacks));
  }

  /** Calls lwIP, and then does what its callbacks left to do. A dead one answers `otherwise`. */
  call<T>(otherwise: T, call: (lwip: LwipFunctions) => T): T {
    if (this.#ended || this.#inside) return otherwise;
    this.#inside = true;
    try {
      return call(this.#lwip);
    } catch (cause) {
      this.end();
      this.later(() => this.#options.onFailure(cause));
      return otherwise;
    } finally {
      this.#inside = false;
      this.#settle();
    }
  }

  /** To be done when lwIP has returned. */
  later(followUp: () => void): void {
    this.#followUps.push(followUp);
  }

  /** Runs lwIP's timers that are due. */
  tick(): void {
    this.call(undefined, (lwip) => lwip.tick());
    this.#options.onTick();
  }

  /** A part of lwIP's memory, to be used at once: any call may move it. */
  view(at: number, length: number): Bytes {
    return new Uint8Array(this.#lwip.memory.buffer, at, length);
  }

  /** Where lwIP takes bytes from. The same holds. */
  scratch(): Bytes {
    return this.view(this.#lwip.scratch(), this.#lwip.scratch_bytes());
  }

  /** No call, no timer and nothing that was left to do after this. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#followUps = [];
  }

  /** One round leads to the next; a round that begins inside another leaves its work to that one. */
  #settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    while (this.#followUps.length > 0) {
      const followUps = this.#followUps;
      this.#followUps = [];
      for (const followUp of followUps) attempt(followUp);
    }
    this.#settling = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#ended) return;
    const { clock } = this.#options;
    const wait = Math.max(1, this.#lwip.sleep() >>> 0);
    const due = clock.now() + wait;
    if (this.#timer && this.#timer.due <= due) return;
    this.#timer?.cancel();
    const run = () => {
      this.#timer = undefined;
      this.tick();
    };
    this.#timer = { due, cancel: clock.after(wait, run) };
  }
}

/** A listener that throws has lost its piece of news; the stack and the link have not. */
function attempt(followUp: () => void): void {
  try {
    followUp();
  } catch {
    // There is nobody here who could do anything about it.
  }
}
