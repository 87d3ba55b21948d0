/**
 * What a machine is doing: the one value that says it, and the one place where it changes.
 *
 *     off ──► on (loading ► booting ► running) ──► off | failed | on again
 *
 * While it is on there is exactly one {@link Run}, and whoever replaces it ends it first, so that there are never two
 * workers. A run that is over moves the state once; what an older run would have said is not heard.
 */
import { type Deferred, deferred } from "../common/deferred.js";
import { StorageError } from "../disk/errors.js";
import type { Chunks } from "../disk/chunk-store.js";
import { MachineError } from "./errors.js";
import type { MachineState } from "./events.js";
import type { Outcome, Run, RunListener } from "./run.js";

const PANICKED = "The router's kernel panicked. Start it again, or reset it if that does not help.";
/** To whoever comes later. */
const REMOVED = "This router was removed from the page.";

/** What follows a run that was told to end. */
type Next =
  | { readonly to: "boot"; readonly failsafe?: boolean }
  | { readonly to: "off"; readonly error?: Error | undefined };

/** Without `next` the router's own doing decides what follows. */
type On = { readonly is: "on"; readonly run: Run; readonly next: Next | undefined };

type Now =
  | { readonly is: "off"; readonly error: Error | undefined }
  | { readonly is: "failed"; readonly error: Error }
  | On
  | { readonly is: "destroyed" };

/** How to switch on. */
export interface PowerOn {
  /** drop the stored overlay first */
  readonly reset?: boolean;
  /** ask the tab that has the router to give it away */
  readonly takeOver?: boolean;
  /** store changes; default: as before */
  readonly saving?: boolean;
  /** boot, whatever states there are */
  readonly cold?: boolean;
  /** boot into OpenWrt's failsafe, without the overlay */
  readonly failsafe?: boolean;
}

/** What a run begins with. */
export interface RunStart extends Required<PowerOn> {
  /** changes that are stored nowhere */
  readonly memory: Chunks | undefined;
}

export interface PowerListener {
  /** Makes the run, and by that its worker. Only called while there is none. */
  begin(start: RunStart, listener: RunListener): Run;
  /** {@link Power.state}, the run or its stall is another than before */
  changed(): void;
  /** Something a person has to know; each once. */
  error(error: Error): void;
}

export class Power {
  readonly #listener: PowerListener;
  #now: Now = { is: "off", error: undefined };
  /** whether changes are stored, as far as there is somewhere to */
  #saving = true;
  /** changes that are stored nowhere, while no run has them */
  #memory: Chunks | undefined;
  /** what everybody waits for who waits for a shell, while somebody does */
  #arrival: Deferred<void> | undefined;
  /** while a run is being given away; aborts when it stays after all */
  #yielding: AbortController | undefined;

  constructor(listener: PowerListener) {
    this.#listener = listener;
  }

  get state(): MachineState {
    const now = this.#now;
    if (now.is === "on") return now.run.stage;
    return now.is === "failed" ? "failed" : "off";
  }

  /** Why it is `failed`, or why it went `off` by itself. */
  get error(): Error | undefined {
    return this.#now.is === "off" || this.#now.is === "failed" ? this.#now.error : undefined;
  }

  get run(): Run | undefined {
    return this.#now.is === "on" ? this.#now.run : undefined;
  }

  /** Whether changes are stored from here on, or would be. */
  get saving(): boolean {
    return this.#saving && !this.run?.detached;
  }

  /** Changes that are stored nowhere, of a router that is off. */
  get memory(): Chunks | undefined {
    return this.#memory;
  }

  /** Switches on, if it is not; one that is on reboots into failsafe if that is wanted. @returns when a shell answers */
  start(how: PowerOn = {}): Promise<void> {
    const now = this.#now;
    if (now.is !== "on") return this.#begin(how);
    if (how.failsafe) return this.#reboot(now, { to: "boot", failsafe: true });
    if (now.next?.to === "off") this.#now = { ...now, next: { to: "boot" } };
    return this.#arrives();
  }

  /** Takes the overlay from whoever holds it, and stores again. @returns when a shell answers */
  takeOver(): Promise<void> {
    if (this.#now.is === "on") return this.start();
    this.#memory = undefined;
    return this.#begin({ takeOver: true, saving: true });
  }

  /** @returns when a shell answers again */
  reboot(): Promise<void> {
    const now = this.#now;
    if (now.is !== "on") return this.#begin({ cold: true });
    return this.#reboot(now, { to: "boot" });
  }

  /** @returns when it is off */
  async powerOff(): Promise<void> {
    const now = this.#now;
    this.#giveUp(new MachineError("The router was powered off."));
    if (now.is === "failed" || (now.is === "off" && now.error))
      return this.#become({ is: "off", error: undefined });
    if (now.is !== "on") return;
    this.#now = { ...now, next: { to: "off" } };
    const over = new Promise((resolve) => now.run.signal.addEventListener("abort", resolve));
    now.run.shutDown("poweroff");
    if (!now.run.signal.aborted) await over;
  }

  /** Ends whatever is under way, drops what is stored, and starts. @returns when a shell answers */
  reset(): Promise<void> {
    return this.#replace(new MachineError("The router was reset."), { reset: true, saving: true });
  }

  /**
   * Ends the run at once and begins another, because what the router's disk holds was replaced; a machine that is off
   * stays off.
   *
   * @param memory what it begins with, when that is stored nowhere
   */
  replaced(memory: Chunks | undefined): Promise<void> {
    if (this.#now.is === "on")
      return this.#replace(
        new MachineError("The router's changes were replaced."),
        { cold: true },
        memory,
      );
    this.#memory = memory;
    return Promise.resolve();
  }

  /** Another tab wants the router: gives it away when everything that it changed is stored. */
  yield(): void {
    const now = this.#now;
    // What waits for room is in this tab only.
    if (now.is !== "on" || this.#yielding || now.run.stall) return;
    if (now.run.stage === "loading") return this.#givenAway(now.run);
    const giveUp = new AbortController();
    this.#yielding = giveUp;
    this.#now = { ...now, next: { to: "off", error: new StorageError("taken-over") } };
    now.run.remote.call("yield", undefined, { signal: giveUp.signal }).catch((error: unknown) => {
      if (!giveUp.signal.aborted && !now.run.signal.aborted) now.run.cut(error as Error);
    });
  }

  /** The browser lost what was stored, or another fault that nobody can go on with. */
  fail(error: Error): void {
    const run = this.#take();
    run?.cut(error);
    if (this.#now.is === "destroyed") return;
    this.#become({ is: "failed", error });
    this.#giveUp(error);
    this.#listener.error(error);
  }

  /** Ends it for good. */
  destroy(): void {
    const error = new MachineError("The router was removed from the page.");
    const run = this.#take();
    run?.cut(error);
    this.#memory = undefined;
    this.#become({ is: "destroyed" });
    this.#giveUp(error);
  }

  #reboot(now: On, next: Next): Promise<void> {
    this.#now = { ...now, next };
    const arrival = this.#arrives();
    now.run.shutDown("reboot");
    return arrival;
  }

  #replace(why: MachineError, how: PowerOn, memory?: Chunks): Promise<void> {
    const run = this.#take();
    run?.cut(why);
    this.#giveUp(why);
    this.#memory = memory;
    return this.#begin(how);
  }

  /** The run, which moves nothing any more from here on. */
  #take(): Run | undefined {
    const now = this.#now;
    if (now.is !== "on") return undefined;
    this.#now = { is: "off", error: undefined };
    this.#yielding = undefined;
    return now.run;
  }

  #begin(how: PowerOn): Promise<void> {
    if (this.#now.is === "destroyed") return Promise.reject(new MachineError(REMOVED));
    const { reset = false, takeOver = false, failsafe = false, saving = this.#saving } = how;
    this.#saving = saving;
    const memory = this.#memory;
    this.#memory = undefined;
    const cold = how.cold === true || failsafe || memory !== undefined;
    const run = this.#listener.begin(
      { reset, takeOver, saving, cold, failsafe, memory },
      { changed: (changed) => this.#changed(changed), over: (over, as) => this.#ended(over, as) },
    );
    this.#become({ is: "on", run, next: undefined });
    return this.#arrives();
  }

  #changed(run: Run): void {
    const now = this.#now;
    if (now.is !== "on" || now.run !== run) return;
    if (run.stage === "running" && !now.next) {
      this.#arrival?.resolve();
      this.#arrival = undefined;
    }
    if (run.stall) {
      this.#keep();
      this.#listener.error(run.stall);
    }
    this.#listener.changed();
  }

  /** What was to be given away cannot be stored: it stays. */
  #keep(): void {
    const now = this.#now;
    if (!this.#yielding || now.is !== "on") return;
    this.#now = { ...now, next: undefined };
    this.#yielding.abort(new MachineError("The router stays here."));
    this.#yielding = undefined;
  }

  #ended(run: Run, outcome: Outcome): void {
    const now = this.#now;
    if (now.is !== "on" || now.run !== run) return;
    this.#yielding = undefined;
    if (run.detached) this.#saving = false;
    if (outcome.how === "failed") return this.fail(outcome.error);
    if (outcome.error === undefined) this.#memory = outcome.memory;
    if (outcome.how === "panic" && !now.next)
      return this.fail(new MachineError(PANICKED, outcome.lastLines));
    const next: Next = now.next ?? { to: outcome.how === "reboot" ? "boot" : "off" };
    if (next.to === "off") {
      if (next.error || !run.detached) return this.#off(next.error);
      // Why nothing was saved stays to be seen; it was told when the router stalled.
      this.#become({ is: "off", error: run.detached });
      return this.#giveUp(run.detached);
    }
    this.#now = { is: "off", error: undefined };
    void this.#begin({ cold: true, ...(next.failsafe && { failsafe: true }) });
  }

  #off(error: Error | undefined): void {
    this.#become({ is: "off", error });
    this.#giveUp(error ?? new MachineError("The router was switched off."));
    if (error) this.#listener.error(error);
  }

  #givenAway(run: Run): void {
    const error = new StorageError("taken-over");
    this.#take();
    run.cut(error);
    this.#off(error);
  }

  #become(now: Now): void {
    this.#now = now;
    this.#listener.changed();
  }

  /** Settles when the router that is wanted has a shell, or never will have one. */
  #arrives(): Promise<void> {
    const now = this.#now;
    if (now.is === "on" && now.run.stage === "running" && !now.next) return Promise.resolve();
    this.#arrival ??= deferred();
    return this.#arrival.promise;
  }

  /** Whoever waits for a shell waits in vain. */
  #giveUp(reason: Error): void {
    this.#arrival?.reject(reason);
    this.#arrival = undefined;
  }
}
