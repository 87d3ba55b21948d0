/**
 * A host whose workers are scripted: each is a router as the page sees one, that boots, answers, reboots, fails or says
 * nothing when it is told to. The page's side of the calls is the real one.
 */
import type { Clock } from "../../src/common/clock.js";
import { type Deferred, deferred } from "../../src/common/deferred.js";
import type { Endpoint } from "../../src/common/endpoint.js";
import { type Handlers, serve, type Served } from "../../src/common/rpc.js";
import { StorageError, type StorageProblem } from "../../src/disk/errors.js";
import type { FirmwareSource } from "../../src/firmware/source.js";
import type { Ended, Wishes, WorkerCalls, WorkerEvents } from "../../src/machine/calls.js";
import { ERRORS } from "../../src/machine/error-codec.js";
import { MachineError } from "../../src/machine/errors.js";
import type { MachineHost, MachineWorker } from "../../src/machine/host.js";

export const FIRMWARE = {
  manifest: { title: "Model", version: "1", diskBytes: 64 * 1024 * 1024 },
  identity: { root: "0".repeat(64), kernel: "1".repeat(64), former: [], title: "Model 1" },
  load: () => Promise.reject(new Error("The model loads nothing.")),
} as unknown as FirmwareSource;

/** What of an overlay's lock a browser sees: who has it, and who waits. */
export class FakeLocks {
  holder: FakeWorker | "another tab" | undefined;

  release(holder: FakeWorker | "another tab"): void {
    if (this.holder === holder) this.holder = undefined;
  }
}

export class FakeHost {
  readonly workers: FakeWorker[] = [];
  readonly locks = new FakeLocks();
  readonly visibility = Object.assign(new EventTarget(), { isVisible: true });
  /** a router was asked to go whose changes are stored nowhere */
  get givenAwayUnsaved(): boolean {
    return this.workers.some((worker) => worker.givenAwayUnsaved);
  }

  /** what a store says to whoever replaces what is stored while no worker runs */
  replaceFails: StorageProblem | undefined;
  readonly host: MachineHost;

  constructor(clock: Clock) {
    let keepMemory: string | undefined;
    this.host = {
      clock,
      spawn: () => {
        const worker = new FakeWorker(this.locks);
        this.workers.push(worker);
        return worker;
      },
      firmware: () => Promise.resolve(FIRMWARE),
      preferences: {
        get: () => keepMemory,
        set: (_, value) => void (keepMemory = value),
      },
      visibility: this.visibility,
      persistence: {
        isPersisted: () => Promise.resolve(false),
        persist: () => Promise.resolve(true),
      },
      page: { title: "", path: "" },
      overlays: {
        look: () => Promise.resolve({ chunks: 1, memoryBytes: 0 }),
        chunks: () => Promise.resolve(new Map()),
        replace: () =>
          this.replaceFails
            ? Promise.reject(new StorageError(this.replaceFails))
            : Promise.resolve(),
      },
    };
  }

  /** Workers that were not terminated. */
  get live(): FakeWorker[] {
    return this.workers.filter((worker) => !worker.terminated);
  }
}

/** What a worker does next when nobody tells it otherwise. */
type Stage = "new" | "waiting" | "open" | "booting" | "running" | "over";

export class FakeWorker implements MachineWorker {
  stage: Stage = "new";
  terminated = false;
  wishes: Wishes | undefined;
  /** a router that does not obey */
  deaf = false;
  /** what a store says to `replace` */
  replaceFails: StorageProblem | undefined;
  /** it goes on in memory */
  detached = false;
  stalled = false;
  givenAwayUnsaved = false;
  readonly #locks: FakeLocks;
  readonly #toPage: ((message: unknown) => void)[] = [];
  readonly #service: Served<WorkerEvents>;
  #toWorker: ((message: unknown) => void) | undefined;
  #crashed: ((cause: string) => void) | undefined;
  readonly #ended: Deferred<Ended> = deferred();
  readonly #shell = deferred();

  constructor(locks: FakeLocks) {
    this.#locks = locks;
    const worker: Endpoint = {
      post: (message) => {
        queueMicrotask(() => {
          if (!this.terminated) for (const listener of this.#toPage) listener(message);
        });
      },
      onMessage: (listener) => void (this.#toWorker = listener),
    };
    this.#service = serve<WorkerCalls, WorkerEvents>(worker, this.#calls(), ERRORS);
  }

  readonly endpoint: Endpoint = {
    post: (message) => {
      queueMicrotask(() => {
        if (!this.terminated) this.#toWorker?.(message);
      });
    },
    onMessage: (listener) => void this.#toPage.push(listener),
  };

  onCrash(listener: (cause: string) => void): void {
    this.#crashed = listener;
  }

  terminate(): void {
    this.terminated = true;
    this.stage = "over";
    this.#locks.release(this);
  }

  /** Takes the next step of a power-on, as far as it can. */
  proceed(): void {
    const wishes = this.wishes;
    if (!wishes || this.stalled) return;
    if (this.stage === "waiting") {
      const stores = wishes.overlay !== null && wishes.saving && !wishes.memory;
      if (stores && !this.#lease()) return;
      this.stage = "open";
    } else if (this.stage === "open") {
      this.stage = "booting";
      this.#service.emit("booting", { resumed: !wishes.cold });
    } else if (this.stage === "booting") {
      this.stage = "running";
      this.#service.emit("shell");
      this.#shell.resolve();
    }
  }

  /** The guest's own doing. */
  ends(how: Ended["how"]): void {
    if (this.stage === "booting" || this.stage === "running") this.#end(how);
  }

  fails(problem: StorageProblem | undefined): void {
    if (this.stage === "new" || this.stage === "over") return;
    this.stage = "over";
    this.#ended.reject(
      problem ? new StorageError(problem) : new MachineError("The model's emulator failed."),
    );
  }

  crashes(): void {
    if (this.stage === "over") return;
    this.stage = "over";
    this.#crashed?.("out of memory");
  }

  stalls(): void {
    const stores = this.#locks.holder === this && !this.detached;
    if (!stores || this.stalled || (this.stage !== "booting" && this.stage !== "running")) return;
    this.stalled = true;
    this.#service.emit("stalled", { problem: "full", cause: "" });
  }

  /** Another tab asks for the overlay that this one holds. */
  wanted(): void {
    if (this.#locks.holder === this) this.#service.emit("wanted");
  }

  reports(): void {
    if (this.stage === "running") this.#service.emit("stored", this.#stored());
  }

  #calls(): Handlers<WorkerCalls> {
    const running = async () => {
      await this.#shell.promise;
    };
    return {
      start: (wishes) => {
        this.wishes = wishes;
        this.stage = "waiting";
        return this.#ended.promise;
      },
      type: () => undefined,
      exec: async ({ command }, signal) => {
        await running();
        if (this.deaf) await new Promise((_, reject) => signal.addEventListener("abort", reject));
        return { stdout: command, stderr: "", exitCode: 0 };
      },
      spawn: async () => {
        await running();
        return 0;
      },
      kill: () => undefined,
      readFile: () => new Uint8Array(),
      writeFile: () => undefined,
      connect: () => undefined,
      http: () => ({ status: 204, statusText: "", headers: [], hasBody: false }),
      plugWan: () => undefined,
      storage: () => this.#stored(),
      snapshot: () => new Map(),
      freeze: () => new Uint8Array(),
      capture: () => ({ state: new ArrayBuffer(0), chunks: new Map() }),
      replace: () => {
        if (this.replaceFails) throw new StorageError(this.replaceFails);
      },
      keepMemory: () => undefined,
      visible: () => undefined,
      decide: (decision) => {
        this.stalled = false;
        if (decision === "retry") return;
        this.detached = true;
      },
      shutDown: async (command) => {
        await running();
        if (!this.deaf) this.#end(command === "reboot" ? "reboot" : "halt");
      },
      yield: async (_, signal) => {
        if (this.stalled) this.givenAwayUnsaved = true;
        await Promise.resolve();
        if (signal.aborted || this.deaf) return;
        this.#end("stopped");
      },
      stop: () => {
        // What cannot be stored is waited for.
        if (!this.stalled && !this.deaf) this.#end("stopped");
      },
    };
  }

  #stored() {
    const stores = this.#locks.holder === this && !this.detached;
    const durability = stores ? ("strict" as const) : ("memory" as const);
    return {
      bytes: 0,
      chunks: 1,
      memoryBytes: 0,
      durability,
      upper: "disk" as const,
      pending: false,
    };
  }

  #lease(): boolean {
    if (this.#locks.holder === "another tab" && this.wishes?.takeOver)
      this.#locks.release("another tab");
    if (this.#locks.holder) return false;
    this.#locks.holder = this;
    return true;
  }

  #end(how: Ended["how"]): void {
    if (this.stage === "over") return;
    this.stage = "over";
    const memory = this.#locks.holder === this && !this.detached ? undefined : new Map();
    this.#locks.release(this);
    this.#ended.resolve({ how, lastLines: [], memory });
  }
}
