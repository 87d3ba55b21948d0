/**
 * The life of a machine's worker: it takes the overlay, opens it once, decides once how the router comes to life, runs it,
 * and answers `start` when all of that is over and every write is settled.
 *
 * A state that turns out not to fit costs a boot in the same worker, on the same disk.
 */
import { abortable } from "../common/abort.js";
import { type Deferred, deferred } from "../common/deferred.js";
import type { Endpoint } from "../common/endpoint.js";
import { type Handlers, serve, type Served, Transferring } from "../common/rpc.js";
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import { ImageLayer } from "../disk/image-layer.js";
import { LayeredDisk } from "../disk/layered-disk.js";
import { memoryChunkStore } from "../disk/memory-chunk-store.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import type { LoadOptions } from "../firmware/load.js";
import type { FirmwareSource } from "../firmware/source.js";
import { overlayOf } from "./overlay-of.js";
import { pcWith } from "./pc-identity.js";
import { Boot, type BootEnd } from "./boot.js";
import type { Ended, Wishes, WorkerCalls, WorkerEvents } from "./calls.js";
import { causeText, ERRORS } from "./error-codec.js";
import type { Lease, WorkerHost } from "./host.js";
import type { Hold } from "./holds.js";
import { warmSteps } from "./warm-steps.js";
import { WarmUp } from "./warm-up.js";
import { setClock } from "./freshen.js";
import { GuestClock } from "./guest-clock.js";
import { Keeper } from "./keeper.js";
import { RouterRequests } from "./router-requests.js";
import { bootParts, planStart, type StartPlan } from "./start-plan.js";

/** How long the router's own `sync` may take before its chunks are handed out without, in milliseconds. */
const SYNC_MS = 5000;

/** Serves one machine. Nothing else may be said on this endpoint. */
export function serveMachine(endpoint: Endpoint, host: WorkerHost): void {
  const session = new Session(host, (...event) => served.emit(...event));
  const served = serve<WorkerCalls, WorkerEvents>(endpoint, session.calls, ERRORS);
}

type Emit = Served<WorkerEvents>["emit"];

/** A router that has its disk. */
interface Live {
  readonly disk: LayeredDisk;
  readonly store: ChunkStore;
  readonly keeper: Keeper;
}

class Session {
  readonly #host: WorkerHost;
  readonly #emit: Emit;
  /** the disk is open */
  readonly #live: Deferred<Live> = deferred();
  /** the emulator that is to be talked to: nothing replaces it any more */
  readonly #boot: Deferred<Boot> = deferred();
  /** the page has it stopped */
  readonly #stopped: Deferred<BootEnd | { readonly how: "stopped" }> = deferred();
  readonly #requests: RouterRequests;
  #lease: Lease | undefined;
  /** the emulator as it is now, which a boot may still replace */
  #now: Boot | undefined;
  #wan = false;
  #clock: GuestClock | undefined;
  #warmUp: WarmUp | undefined;
  /** it goes on without saving, since the store failed */
  #detached = false;
  /** until it is captured */
  #frozen: Hold | undefined;
  /** while the store fails */
  #stall: Promise<Hold> | undefined;

  constructor(host: WorkerHost, emit: Emit) {
    this.#host = host;
    this.#emit = emit;
    this.#requests = new RouterRequests({
      boot: (signal) => abortable(this.#boot.promise, signal),
      onAsked: () => this.#warmUp?.touched(),
      onTouched: () => void this.#live.promise.then(({ keeper }) => keeper.touched()),
    });
  }

  get calls(): Handlers<WorkerCalls> {
    return {
      ...this.#requests.calls,
      start: (wishes) => this.#start(wishes),
      type: async (bytes) => {
        this.#warmUp?.touched();
        (await this.#live.promise).keeper.typed(bytes);
        this.#now?.type(bytes);
      },
      plugWan: async (plugged, signal) => {
        this.#wan = plugged;
        await this.#now?.network.plugWan(plugged);
        await abortable(this.#live.promise, signal);
      },
      storage: async () => (await this.#live.promise).keeper.look(),
      snapshot: async (_, signal) => {
        const { disk } = await this.#live.promise;
        if (!this.#stall) await this.#sync(signal);
        return disk.snapshot();
      },
      freeze: async () => {
        const { disk } = await this.#live.promise;
        const boot = await this.#boot.promise;
        this.#frozen = await boot.still(disk);
        const memory = boot.pc.memory.slice();
        return new Transferring(memory, [memory.buffer]);
      },
      capture: async ({ leaveOut }) => {
        const { disk } = await this.#live.promise;
        const boot = await this.#boot.promise;
        using _hold = this.#frozen ?? (await boot.still(disk));
        this.#frozen = undefined;
        const state = await boot.pc.saveState(leaveOut);
        return new Transferring({ state, chunks: await disk.snapshot() }, [state]);
      },
      replace: async (chunks) => {
        const { store, disk } = await this.#live.promise;
        const hold = await this.#now?.pc.hold("replace");
        try {
          await disk.flush();
          await store.replace(chunks);
        } catch (error) {
          hold?.[Symbol.dispose]();
          throw error;
        }
      },
      keepMemory: async (keep) => {
        (await this.#live.promise).keeper.keepMemory = keep;
      },
      visible: async (visible) => {
        const { keeper } = await this.#live.promise;
        if (this.#warmUp) this.#warmUp.visible = visible;
        if (!visible) keeper.hidden();
      },
      decide: async (decision) => {
        const { disk, keeper } = await this.#live.promise;
        await this.#goOn();
        if (decision === "retry") return disk.retry();
        // The lease stays: what is not in memory is still read from the store, which nobody may change meanwhile.
        await disk.detach();
        this.#detached = true;
        keeper.detached();
      },
      shutDown: async (command, signal) => {
        const boot = await abortable(this.#boot.promise, signal);
        await boot.shell.exec(command, { signal });
      },
      yield: (_, signal) => this.#yield(signal),
      stop: async () => {
        await this.#now?.pc.hold("stop");
        this.#stopped.resolve({ how: "stopped" });
      },
    };
  }

  async #start(wishes: Wishes): Promise<Ended> {
    try {
      const { plan, disk, firmware, loading } = await this.#open(wishes);
      const end = await this.#run(plan, disk, firmware, loading, wishes);
      return await this.#finish(end, disk);
    } catch (error) {
      this.#fail(error as Error);
      throw error;
    }
  }

  async #open(wishes: Wishes) {
    const { clock, emulator, bios } = this.#host;
    this.#wan = wishes.wan;
    // Compiled while the rest is on its way.
    emulator().catch(() => undefined);
    const firmware = await this.#host.firmware(wishes.firmware);
    const identity = overlayOf(wishes.overlay, firmware);
    const pc = pcWith(firmware.identity.kernel);
    const loading = this.#progress();
    // Whatever is decided, the root is needed; it comes while the overlay is opened.
    const root = firmware.load(["root"], loading()).then(({ root: image }) => image);
    root.catch(() => undefined);
    const store = await this.#openStore(wishes, identity);
    const memory = this.#lease ? this.#host.overlays.memory?.(identity) : undefined;
    const plan = await planStart(
      {
        ...{ firmware, root, identity, pc, store, cold: wishes.cold },
        bios,
        memory: wishes.keepMemory ? memory : undefined,
      },
      loading,
    );
    const disk = await LayeredDisk.open({
      base: new ImageLayer(new Uint8Array(plan.root), firmware.manifest.diskBytes),
      store,
      chunkBytes: CHUNK_BYTES,
      seed: plan.seed,
      onStall: (error) => void this.#stalled(error),
      onCommit: () => keeper.committed(),
    });
    const keeper: Keeper = new Keeper({
      ...{ clock, disk, memory, pc, restored: plan.kept, keepMemory: wishes.keepMemory },
      boot: () => this.#now,
      onStored: (stored) => this.#emit("stored", stored),
    });
    this.#live.resolve({ disk, store, keeper });
    return { plan, disk, firmware, loading };
  }

  /** @returns makes the options of each download; all of them together are one progress */
  #progress(): () => LoadOptions {
    const downloads: { loaded: number; total: number }[] = [];
    return () => {
      const download = { loaded: 0, total: 0 };
      downloads.push(download);
      return {
        onProgress: (loaded, total) => {
          Object.assign(download, { loaded, total });
          this.#emit("progress", {
            loaded: downloads.reduce((sum, each) => sum + each.loaded, 0),
            total: downloads.reduce((sum, each) => sum + each.total, 0),
          });
        },
      };
    };
  }

  /** The chunk store; without saving, a copy in memory of what is stored at this moment. */
  async #openStore(wishes: Wishes, identity: OverlayIdentity): Promise<ChunkStore> {
    const { overlays } = this.#host;
    if (wishes.memory || wishes.overlay === null) {
      const store = memoryChunkStore();
      if (wishes.memory) await store.commit(wishes.memory);
      return store;
    }
    if (!wishes.saving) {
      const copy = memoryChunkStore();
      await copy.replace(await overlays.read(identity));
      return copy;
    }
    this.#lease = await overlays.lease(identity, {
      page: wishes.page,
      takeOver: wishes.takeOver,
      patience: wishes.leaseWait,
      // What could not be saved would be lost, and the other tab would say that it was saved.
      onYield: () => {
        if (this.#stall || this.#detached) return "unsaved";
        this.#emit("wanted");
        return undefined;
      },
    });
    const stored = await overlays.open(identity, CHUNK_BYTES).catch(async (error: unknown) => {
      // The person asked to drop what is stored: that must work when it is damaged or lost, above all.
      const spoiled =
        error instanceof StorageError && (error.problem === "damaged" || error.problem === "lost");
      if (!wishes.reset || !spoiled) throw error;
      await overlays.delete(identity);
      // Others of that name that older versions left are not what was to be dropped.
      return overlays.open({ ...identity, former: [] }, CHUNK_BYTES);
    });
    this.#lease.opened?.();
    if (wishes.reset) await stored.clear();
    return stored;
  }

  /** Runs the router until it ends. */
  async #run(
    plan: StartPlan,
    disk: LayeredDisk,
    firmware: FirmwareSource,
    loading: () => LoadOptions,
    { warmUp, visible, failsafe }: Wishes,
  ): Promise<BootEnd | { how: "stopped" }> {
    const { keeper } = await this.#live.promise;
    const boot = await this.#power(plan.from, disk, keeper, failsafe);
    const { clock } = this.#host;
    this.#emit("booting", { resumed: plan.kept !== undefined });
    if ("parts" in plan.from) return this.#use(boot, keeper);
    const fits = await boot.ready.then(
      () => true,
      () => false,
    );
    if (fits) {
      this.#emit("stage", "ready");
      if (warmUp !== "off") {
        const { shell, network } = boot;
        const steps = warmSteps(shell, network.exchange, warmUp === "web");
        const inTheWay = () => keeper.isSaving;
        this.#warmUp = new WarmUp({ clock, steps, visible, inTheWay });
      }
      return this.#use(boot, keeper);
    }
    boot.end(new Error("The state does not fit."));
    const parts = await bootParts(firmware, this.#host.bios, loading());
    await keeper.forget();
    const again = await this.#power({ parts }, disk, keeper, failsafe);
    this.#emit("booting", { resumed: false });
    return this.#use(again, keeper);
  }

  async #power(
    from: StartPlan["from"],
    disk: LayeredDisk,
    keeper: Keeper,
    failsafe: boolean,
  ): Promise<Boot> {
    const emulator = await this.#host.emulator();
    const boot = new Boot({
      ...{ clock: this.#host.clock, emulator, disk, from, failsafe, wan: this.#wan },
      loadWasm: (path) => this.#host.wasm(path),
      on: {
        output: (bytes) => {
          keeper.printed();
          this.#emit("output", bytes, [bytes.buffer]);
        },
        stage: (stage) => this.#emit("stage", stage),
        network: (status) => this.#emit("network", status),
        unplugged: (error) => {
          this.#wan = false;
          this.#emit("unplugged", ERRORS.encode(error));
        },
      },
    });
    this.#now = boot;
    return boot;
  }

  /** Whoever waits for the router has it from now on. */
  async #use(boot: Boot, keeper: Keeper): Promise<BootEnd | { how: "stopped" }> {
    this.#boot.resolve(boot);
    boot.ready.then(
      () => {
        this.#clock = new GuestClock(this.#host.clock, Date.now, (time) =>
          setClock(boot.shell, time),
        );
        keeper.ready();
        this.#emit("shell");
      },
      () => undefined,
    );
    return Promise.race([boot.ended, this.#stopped.promise]);
  }

  /** After the router's last write: stores it, and takes along what is stored nowhere. */
  async #finish(end: BootEnd | { how: "stopped" }, disk: LayeredDisk): Promise<Ended> {
    const boot = this.#now;
    const lastLines = "lastLines" in end ? end.lastLines : (boot?.lastLines ?? []);
    boot?.end(new Error("The router was switched off or restarted."));
    this.#clock?.end();
    this.#warmUp?.end();
    const { keeper } = await this.#live.promise;
    await keeper.end(end.how !== "stopped");
    await disk.flush();
    const memory = disk.usage.durability === "memory" ? await disk.snapshot() : undefined;
    disk.close();
    this.#release();
    return { how: end.how, lastLines, memory };
  }

  #fail(error: Error): void {
    this.#live.reject(error);
    this.#boot.reject(error);
    this.#now?.end(error);
  }

  /** The store failed: the router stands still, so that it neither times out nor piles up more. */
  async #stalled(error: StorageError): Promise<void> {
    const { keeper, disk } = await this.#live.promise;
    this.#stall ??= this.#now?.pc.hold("stall");
    await this.#stall;
    // Kept memory gives way to changes; then it is tried again at once.
    if (error.problem === "full" && (await keeper.forget())) {
      keeper.putOff();
      await this.#goOn();
      return disk.retry();
    }
    this.#emit("stalled", { problem: error.problem, cause: causeText(error.cause) });
  }

  async #goOn(): Promise<void> {
    const hold = this.#stall;
    this.#stall = undefined;
    (await hold)?.[Symbol.dispose]();
  }

  async #yield(signal: AbortSignal): Promise<void> {
    const { disk, keeper } = await this.#live.promise;
    await this.#sync(signal);
    await abortable(
      keeper.saveMemory().catch(() => undefined),
      signal,
    );
    signal.throwIfAborted();
    const hold = await this.#now?.pc.hold("yield");
    try {
      await abortable(disk.flush(), signal);
      signal.throwIfAborted();
    } catch (error) {
      hold?.[Symbol.dispose]();
      throw error;
    }
    this.#stopped.resolve({ how: "stopped" });
  }

  /** Has the router store what it holds back, if it answers in time. */
  async #sync(signal: AbortSignal): Promise<void> {
    const sync = this.#now?.shell.status("sync", { timeout: SYNC_MS }).catch(() => undefined);
    if (sync) await abortable(sync, signal);
  }

  #release(): void {
    this.#lease?.release();
    this.#lease = undefined;
  }
}
