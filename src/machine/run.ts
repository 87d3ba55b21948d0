/**
 * One power-on, from its worker's first instruction to the end of that worker.
 *
 * Owns the worker, and with it the lease on the overlay and everything that was asked and is not answered. It is over
 * once: then the worker is gone, every pending call has rejected, and nothing that the worker said before is heard.
 */
import { caller, type Remote } from "../common/rpc.js";
import { StorageError } from "../disk/errors.js";
import { FirmwareError } from "../firmware/errors.js";
import type { Ended, WorkerCalls, WorkerEvents, Wishes } from "./calls.js";
import { ERRORS } from "./error-codec.js";
import { MachineError } from "./errors.js";
import type { MachineHost, MachineWorker } from "./host.js";

/** How long a router may take for a clean shutdown before it is stopped, in milliseconds. */
const SHUTDOWN_MS = 60_000;
/** How long what it has written may take to be stored then, before it is cut off, in milliseconds. */
const STOP_MS = 10_000;

/** `cut`: the page ended it, as one pulls a plug. */
export type Outcome =
  | (Ended & { readonly error?: undefined })
  | { readonly how: "failed" | "cut"; readonly error: Error };

export interface RunListener {
  /** `stage`, `stall` or `resumed` is another than before */
  changed(run: Run): void;
  /** The last that is heard of it. */
  over(run: Run, outcome: Outcome): void;
}

export type RunStage = "loading" | "booting" | "running";

export class Run {
  readonly remote: Remote<WorkerCalls, WorkerEvents>;
  readonly #worker: MachineWorker;
  readonly #host: MachineHost;
  readonly #listener: RunListener;
  readonly #over = new AbortController();
  #stage: RunStage = "loading";
  #resumed = false;
  #stall: StorageError | undefined;
  #detached: StorageError | undefined;
  #isShuttingDown = false;

  /** Starts a worker; the caller sees to it that there is no other. */
  constructor(host: MachineHost, wishes: Wishes, listener: RunListener) {
    this.#host = host;
    this.#listener = listener;
    this.#worker = host.spawn();
    this.remote = caller<WorkerCalls, WorkerEvents>(this.#worker.endpoint, ERRORS);
    this.#worker.onCrash((cause) =>
      this.#end({
        how: "failed",
        error: new MachineError(
          "The emulator could not be started or crashed. Reload the page; what the router saved is kept.",
          cause ? [cause] : [],
        ),
      }),
    );
    this.remote.on("booting", ({ resumed }) => {
      this.#resumed = resumed;
      this.#enter("booting");
    });
    this.remote.on("shell", () => this.#enter("running"));
    this.remote.on("stalled", ({ problem, cause }) => {
      this.#stall = new StorageError(problem, { cause });
      // It cannot wait for a decision any more: what cannot be stored is handed over.
      if (this.#isShuttingDown) this.decide("detach");
      else this.#listener.changed(this);
    });
    this.remote.call("start", wishes).then(
      (ended) => this.#end(ended),
      (error: unknown) => this.#end({ how: "failed", error: explained(error) }),
    );
  }

  get stage(): RunStage {
    return this.#stage;
  }

  /** Whether the router goes on from the memory of an earlier visit. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /** Set while the router stands still because its changes cannot be stored. */
  get stall(): StorageError | undefined {
    return this.#stall;
  }

  /** Why the router goes on without saving, since that was decided; what it changes is handed over at its end. */
  get detached(): StorageError | undefined {
    return this.#detached;
  }

  /** Aborts when it is over; its reason says why. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** What the person decided about the stall. */
  decide(decision: "retry" | "detach"): void {
    if (!this.#stall) return;
    if (decision === "detach") this.#detached = this.#stall;
    this.#stall = undefined;
    void this.remote.call("decide", decision).catch(() => undefined);
    this.#listener.changed(this);
  }

  /**
   * Has the router shut down cleanly. One that does not within a minute is stopped; one whose changes still cannot be
   * stored hands them over (`Ended.memory`).
   */
  shutDown(command: "reboot" | "poweroff"): void {
    if (this.#stage === "loading")
      return this.cut(new MachineError("The router was switched off."));
    if (this.#isShuttingDown) return;
    this.#isShuttingDown = true;
    this.decide("retry");
    void this.remote.call("shutDown", command).catch(() => undefined);
    const { clock } = this.#host;
    const late = clock.after(SHUTDOWN_MS, () => this.stop());
    this.signal.addEventListener("abort", late, { once: true });
  }

  /** Stops the router as it is, and stores what it has written. */
  stop(): void {
    void this.remote.call("stop").catch(() => undefined);
    const late = this.#host.clock.after(STOP_MS, () =>
      this.cut(new MachineError("The router did not stop and was cut off.")),
    );
    this.signal.addEventListener("abort", late, { once: true });
  }

  /** Ends it at once. A write under way may or may not be stored, as with a pulled plug. */
  cut(error: Error): void {
    this.#end({ how: "cut", error });
  }

  #enter(stage: RunStage): void {
    this.#stage = stage;
    this.#listener.changed(this);
  }

  #end(outcome: Outcome): void {
    if (this.#over.signal.aborted) return;
    const reason = outcome.error ?? new MachineError("The router was switched off or restarted.");
    this.#worker.terminate();
    this.remote.close(reason);
    this.#stall = undefined;
    this.#over.abort(reason);
    this.#listener.over(this, outcome);
  }
}

/** What a person can be told of a worker that gave up. */
function explained(error: unknown): Error {
  const known =
    error instanceof MachineError ||
    error instanceof StorageError ||
    error instanceof FirmwareError;
  return known
    ? error
    : new MachineError(
        "The emulator stopped because of an internal error. Start the router again; what it saved is kept.",
        [String(error)],
      );
}
