/**
 * Who keeps the CPU standing: a save, a store that fails, a router that is being stopped, in any order and at the same time.
 *
 * The CPU runs when nobody holds it. It is switched by one switch after the other, for v86's stop() never ends when its
 * run() is called before that (0.5.462, src/browser/starter.js, stop).
 */

/** Keeps the CPU standing until it is released, by `using` or by hand; once. */
export interface Hold extends Disposable {
  /** what it is for, to be read in a debugger */
  readonly why: string;
}

/** What is switched. */
export interface Cpu {
  run(): Promise<unknown>;
  stop(): Promise<unknown>;
}

export class Holds {
  readonly #cpu: Cpu;
  readonly #holds = new Set<Hold>();
  /** whether it may run at all: not before it is loaded, and not after it ended */
  #allowed = false;
  /** how it was switched last */
  #running = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  /** What it is held for now. */
  get reasons(): string[] {
    return [...this.#holds].map(({ why }) => why);
  }

  /** Lets the CPU run from now on while nobody holds it. @returns when it does, or stands */
  allow(): Promise<void> {
    this.#allowed = true;
    return this.#settle();
  }

  /** It stands for good. */
  forbid(): Promise<void> {
    this.#allowed = false;
    return this.#settle();
  }

  /** @returns when the CPU stands */
  async hold(why: string): Promise<Hold> {
    const hold: Hold = {
      why,
      [Symbol.dispose]: () => {
        if (this.#holds.delete(hold)) void this.#settle().catch(() => undefined);
      },
    };
    this.#holds.add(hold);
    await this.#settle();
    return hold;
  }

  /** Switches to what is wanted by then, after every switch before. */
  #settle(): Promise<void> {
    const turn = this.#turn.then(async () => {
      const run = this.#allowed && this.#holds.size === 0;
      if (run === this.#running) return;
      this.#running = run;
      await (run ? this.#cpu.run() : this.#cpu.stop());
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
