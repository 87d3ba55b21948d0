/**
 * A router: one emulated PC with one disk, one overlay and its consoles, as a page sees it.
 *
 * Every boot is a worker of its own, for v86 loads its kernel only once and a late callback must never reach the
 * next boot's disk. This class decides when one ends and the next begins; it is the only place where the state changes.
 */
import { StorageError, toStorageError } from "../disk/errors.js";
import { readArchive } from "../overlay/archive.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import { FirmwareError } from "../firmware/errors.js";
import { Firmware } from "../firmware/load.js";
import { loadEmulator } from "./assets.js";
import { COMMAND_LINE } from "./command-line.js";
import { copyOfChanges, copyOfDisk } from "./copies.js";
import { ConsoleHub, type ConsoleStreams } from "./console-streams.js";
import { MachineError, UnfitStateError } from "./errors.js";
import { MachineProgressEvent, type MachineState } from "./events.js";
import { KeptMemory } from "./kept-memory.js";
import { MEMORY_BYTES } from "./pc-identity.js";
import { checkOptions, type MachineOptions, type PowerOn } from "./machine-options.js";
import { planPowerOn } from "./power-plan.js";
import { RouterAccess } from "./router-access.js";
import { type StorageReport, StorageWatch } from "./storage-watch.js";
import { replaceStoredChunks, storedChunks } from "./stored-chunks.js";
import { OverlayClaim } from "./overlay-claim.js";
import type { Chunks } from "./messages.js";
import type { Holder } from "../overlay/tabs.js";
import { type Ended, WorkerLink } from "./worker-link.js";

/** Set by the build to the worker's file name, which carries a digest of its content. */
declare const WORKER_FILE: string;

/** How long a router may take for a clean shutdown before it is cut off, in milliseconds. */
const SHUTDOWN_MS = 60_000;
/** How long the router's own `sync` may take before another tab gets the overlay, in milliseconds. */
const SYNC_MS = 5000;
const PANICKED = "The router's kernel panicked. Start it again, or reset it if that does not help.";

export class Machine extends RouterAccess {
  /** name of the firmware */
  readonly firmware: string;
  /** name of the overlay; `null` when nothing is saved */
  readonly overlay: string | null;
  readonly #assets: URL;
  readonly #claim = new OverlayClaim(() => {
    // What could not be saved would be lost, and the other tab would say that it was saved.
    if (this.#stall || !this.#saving) return "unsaved";
    void this.#yield();
    return undefined;
  });
  readonly #console = new ConsoleHub((bytes) => this.#link?.input(bytes));
  #state: MachineState = "off";
  #error: Error | undefined;
  #stall: StorageError | undefined;
  #firmware: Promise<Firmware> | undefined;
  #link: WorkerLink | undefined;
  #start: Promise<void> | undefined;
  readonly #storage = new StorageWatch(
    () => this.#tellStorage(),
    () => {
      if (this.#state === "off") this.#fail(this.#storage.takeLost());
    },
  );
  readonly #kept = new KeptMemory(
    () => (this.#isKeepable() ? this.#link : undefined),
    () => this.#tellStorage(),
  );
  #giveUp = new AbortController();
  /** whether changes are stored, as long as there is an overlay */
  #saving = true;
  /** changes of earlier boots that are stored nowhere */
  #memory: Chunks | undefined;
  #resumed = false;
  #destroyed = false;

  /** @throws {MachineError} a name with characters that names may not have */
  constructor(options: MachineOptions) {
    super();
    const { firmware, overlay, assets } = checkOptions(options);
    this.firmware = firmware;
    this.overlay = overlay;
    this.#assets = assets;
  }

  protected override get link(): WorkerLink | undefined {
    return this.#link;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Why the state is `failed`, or why it went `off` by itself. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Where the router runs, when it could not start because another tab has it and that tab answered. */
  get holder(): Holder | undefined {
    return this.#claim.holder;
  }

  /** Whether the router goes on from the memory of an earlier visit, with whatever was on its console then. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /** Set while the machine is paused because its changes cannot be saved; see {@link retry} and {@link detach}. */
  get stall(): StorageError | undefined {
    return this.#stall;
  }

  /** The router's first console; every access gives a pair of streams of its own. */
  get console(): ConsoleStreams {
    return this.#console.open();
  }

  /**
   * Switches on; does nothing more when it is on already.
   *
   * @returns when a shell answers
   * @throws {MachineError | FirmwareError | StorageError} it cannot start; the state is `failed`
   */
  start(): Promise<void> {
    return this.#start ?? this.#powerOn({ saving: this.#saving });
  }

  /**
   * Starts after another tab of this origin gave the router away: that one syncs, stops, and says so.
   *
   * @throws {OverlayBusyError} `in-use` when it does not let go within 15 seconds; `unsaved-elsewhere` when it has changes
   *   that it cannot save
   */
  takeOver(): Promise<void> {
    this.#memory = undefined;
    return this.#start ?? this.#powerOn({ takeOver: true });
  }

  /** Starts from a copy of what is stored. This machine then saves nothing, until {@link takeOver} or a reset. */
  startWithoutSaving(): Promise<void> {
    return this.#start ?? this.#powerOn({ saving: false });
  }

  /**
   * Reboots cleanly, as `reboot` in the router does; a router that does not obey within a minute is cut off.
   *
   * @returns when a shell answers again
   */
  async reboot(): Promise<void> {
    const link = this.#link;
    if (link) await this.#shutDown(link, "reboot");
    return this.#start ?? this.#powerOn({ saving: this.#saving, cold: true });
  }

  /** Powers off cleanly, as `poweroff` in the router does. @returns at state `off` */
  async powerOff(): Promise<void> {
    const link = this.#link;
    if (link) {
      const ended = await this.#shutDown(link, "poweroff");
      // A guest that rebooted instead was about to start again.
      if (ended.how === "reboot") this.#abandon("The router was powered off.");
    } else if (this.#state === "loading") this.#abandon("The router was powered off.");
    this.#turnOff();
  }

  /**
   * Factory reset: drops everything the router wrote, then starts it. Works in every state.
   *
   * @returns when a shell answers
   */
  reset(): Promise<void> {
    this.#abandon("The router was reset.");
    this.#memory = undefined;
    return this.#powerOn({ reset: true });
  }

  /** What is stored for this machine, also while it is off. */
  async storage(): Promise<StorageReport> {
    const identity = this.overlay === null ? undefined : this.#identity(await this.#open());
    // The overlay first: what a browser says of lost data it says to the first who opens any.
    const report = await this.#storage.report(identity);
    return { ...report, memoryBytes: identity ? await this.#kept.bytes(identity) : 0 };
  }

  /**
   * Whether the router's memory is kept beside its changes, so that the next visit goes on where this one ended. For
   * all routers of the origin; default true. It only ever saves time.
   */
  get keepMemory(): boolean {
    return this.#kept.wanted;
  }

  set keepMemory(keep: boolean) {
    this.#kept.wanted = keep;
    if (keep) this.#kept.changed();
    this.#tellStorage();
  }

  /**
   * Everything the router changed, as one file (docs/archive-format.md), also while it is off or cannot save.
   *
   * @throws {StorageError} what is stored cannot be read
   */
  async exportOverlay(): Promise<Blob> {
    const firmware = await this.#open();
    const identity = this.#identity(firmware);
    return copyOfChanges(identity, await this.#chunks(identity));
  }

  /** The whole disk as a raw image: the firmware's root and everything changed. QEMU boots it. */
  async exportDisk(): Promise<Blob> {
    const firmware = await this.#open();
    return copyOfDisk(firmware, await this.#chunks(this.#identity(firmware)));
  }

  /**
   * Replaces everything the router changed by what {@link exportOverlay} gave. All or nothing: a file that cannot be
   * used changes nothing. A router that is on starts again with it.
   *
   * @returns when it is stored, and, if the router was on, a shell answers
   * @throws {ArchiveError} the file is damaged, or belongs to another firmware or disk
   * @throws {StorageError} it cannot be stored, or another tab runs the router
   */
  async importOverlay(blob: Blob): Promise<void> {
    const identity = this.#identity(await this.#open());
    const chunks = await readArchive(blob, { ...identity, chunkBytes: CHUNK_BYTES });
    const wasOn = this.#link !== undefined;
    const saved = this.overlay !== null && this.#saving;
    if (saved) await this.#claim.take(identity, false, new AbortController().signal);
    this.#abandon("The router's changes were replaced.");
    try {
      if (saved) await replaceStoredChunks(identity, chunks);
      else this.#memory = chunks;
    } finally {
      if (!wasOn) this.#turnOff();
    }
    if (wasOn) await this.#powerOn({ saving: this.#saving });
  }

  /** After a stall: tries to save the pending changes again. */
  retry(): void {
    this.#decide("retry");
  }

  /** After a stall: goes on without saving; what was stored before stays as it is. */
  detach(): void {
    this.#decide("detach");
  }

  /** Ends the machine for good, at once. What was saved stays. */
  destroy(): Promise<void> {
    this.#destroyed = true;
    this.#abandon("The router was removed from the page.");
    this.#turnOff();
    this.#console.close();
    return Promise.resolve();
  }

  #powerOn(how: PowerOn): Promise<void> {
    if (this.#destroyed)
      return Promise.reject(new MachineError("This router was removed from the page."));
    const { signal } = (this.#giveUp = new AbortController());
    const start = this.#boot(how, signal).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      this.#fail(error);
      throw error;
    });
    this.#start = start;
    // Callers that await it see the failure; the state and the "error" event tell everybody else.
    start.catch(() => undefined);
    return start;
  }

  async #boot(how: PowerOn, signal: AbortSignal): Promise<void> {
    const { takeOver = false, saving = true } = how;
    this.#error = undefined;
    this.#saving = saving;
    this.#setState("loading");
    // While the firmware's manifest is on its way.
    const wasm = loadEmulator(this.#assets);
    wasm.catch(() => undefined);
    const firmware = await this.#open(signal);
    signal.throwIfAborted();
    if (this.overlay !== null && saving)
      await this.#claim.take(this.#identity(firmware), takeOver, signal);
    signal.throwIfAborted();
    try {
      await this.#run(how, firmware, wasm, signal);
    } catch (error) {
      if (!(error instanceof UnfitStateError)) throw error;
      // Nothing was changed by it, and nobody was let in yet.
      await this.#run({ ...how, cold: true }, firmware, wasm, signal);
    }
  }

  /** One worker, until a shell answers. */
  async #run(
    how: PowerOn,
    firmware: Firmware,
    wasm: Promise<WebAssembly.Module>,
    signal: AbortSignal,
  ): Promise<void> {
    const { reset = false, saving = true } = how;
    const cold = how.cold === true || this.#memory !== undefined;
    const stored = this.overlay !== null;
    const identity = this.#identity(firmware);
    const resume = stored && saving && this.#kept.wanted;
    const plan = await planPowerOn(
      { assets: this.#assets, firmware, identity, stored, reset, resume, cold },
      {
        signal,
        onProgress: (loaded, total) =>
          this.dispatchEvent(new MachineProgressEvent("fetch", loaded, total)),
      },
    );
    signal.throwIfAborted();
    const lost = this.#storage.takeLost();
    if (lost && !reset) throw lost;
    // What is not gone on from now never will be: the disk is about to change.
    if (stored && saving && plan.restore?.kind !== "saved") void this.#kept.drop(identity);
    const link = new WorkerLink(
      new URL(WORKER_FILE, this.#assets),
      {
        wasm: await wasm,
        ...plan,
        assets: this.#assets.href,
        commandLine: COMMAND_LINE,
        memoryBytes: MEMORY_BYTES,
        kernel: firmware.identity.kernel,
        identity,
        stored,
        saving,
        memory: this.#memory,
        wan: this.wan,
        reset,
      },
      {
        stage: (stage) => this.dispatchEvent(new MachineProgressEvent(stage)),
        output: (bytes) => {
          this.#kept.changed();
          this.#console.output(bytes);
        },
        usage: (usage) => {
          this.#kept.changed();
          this.#storage.tell(usage);
        },
        stalled: (error) => void this.#stalled(link, error),
        network: (status) => this.networkChanged(status),
      },
    );
    this.#link = link;
    this.#resumed = plan.restore?.kind === "saved";
    this.#setState("booting");
    link.ended.then(
      (ended) => this.#ended(link, ended),
      (error: unknown) => {
        if (this.#link === link && !(error instanceof UnfitStateError)) this.#fail(error);
      },
    );
    await link.shell;
    this.#claim.opened();
    if (plan.restore) this.dispatchEvent(new MachineProgressEvent("ready"));
    this.#setState("running");
    this.#kept.begin(identity);
    this.#kept.changed();
  }

  /** Whether memory can be saved now, and would be of use: an untouched router is restored from the factory state. */
  #isKeepable(): boolean {
    return this.#state === "running" && !this.#stall && this.#storage.holdsChanges;
  }

  /** The store failed, and the machine is paused. Kept memory gives way to changes: then it is tried again at once. */
  async #stalled(link: WorkerLink, error: StorageError): Promise<void> {
    if (error.problem === "full" && (await this.#kept.drop())) {
      link.decide("retry");
      return;
    }
    if (this.#link !== link) return;
    this.#stall = error;
    this.#tell(error);
  }

  /** A boot came to its end, by the guest's or the host's doing. */
  #ended(link: WorkerLink, { how, lastLines, memory }: Ended): void {
    if (this.#link !== link) return;
    this.#memory = memory;
    this.#link = undefined;
    this.#start = undefined;
    if (how === "reboot")
      void this.#powerOn({ saving: this.#saving, cold: true }).catch(() => undefined);
    else if (how === "panic") this.#fail(new MachineError(PANICKED, lastLines));
    else this.#turnOff();
  }

  /** Another tab asked for the router: save everything, stop, let go, say so. */
  async #yield(): Promise<void> {
    const link = this.#link;
    if (link && this.#state === "running")
      await link.exec("sync", { timeout: SYNC_MS }).catch(() => undefined);
    await this.#kept.save();
    if (link && !this.#stall) {
      link.stop();
      await link.ended.catch(() => undefined);
    }
    this.#abandon("The router was taken over by another tab.");
    this.#error = new StorageError("taken-over");
    this.#turnOff();
    this.#tell(this.#error);
  }

  async #shutDown(link: WorkerLink, command: "reboot" | "poweroff"): Promise<Ended> {
    const asked = link.shell.then(() => link.exec(command, {}));
    asked.catch(() => undefined);
    const timer = setTimeout(() => link.stop(), SHUTDOWN_MS);
    try {
      return await link.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  #identity({ manifest, identity }: Firmware): OverlayIdentity {
    const { root, former, title } = identity;
    const overlay = this.overlay ?? "copy";
    return { overlay, root, former, title, diskBytes: manifest.diskBytes };
  }

  /** The user's layer as it is now, as fresh as the router can make it. */
  async #chunks(identity: OverlayIdentity): Promise<Chunks> {
    const link = this.#link;
    if (!link) return this.#memory ?? (this.overlay === null ? new Map() : storedChunks(identity));
    if (this.#state === "running" && !this.#stall)
      await link.exec("sync", { timeout: SYNC_MS }).catch(() => undefined);
    return link.snapshot();
  }

  /** Fetches the firmware's manifest once; a failure is not kept. */
  #open(signal?: AbortSignal): Promise<Firmware> {
    this.#firmware ??= Firmware.open(this.#assets, this.firmware, signal).catch(
      (error: unknown) => {
        this.#firmware = undefined;
        throw error;
      },
    );
    return this.#firmware;
  }

  #decide(decision: "retry" | "detach"): void {
    if (!this.#stall) return;
    this.#stall = undefined;
    if (decision === "detach") this.#saving = false;
    this.#link?.decide(decision);
    this.#tellStorage();
  }

  /** Ends whatever is under way, at once. */
  #abandon(why: string): void {
    const reason = new MachineError(why);
    const link = this.#link;
    this.#link = undefined;
    this.#start = undefined;
    this.#giveUp.abort(reason);
    link?.terminate(reason);
  }

  #turnOff(): void {
    this.#release();
    this.#setState("off");
  }

  #fail(error: unknown): void {
    // The site may have been mended by the time somebody tries again.
    if (error instanceof FirmwareError) this.#firmware = undefined;
    const link = this.#link;
    this.#link = undefined;
    this.#start = undefined;
    this.#error = error instanceof Error ? error : toStorageError(error);
    link?.terminate(this.#error);
    this.#release();
    this.#setState("failed");
    this.#tell(this.#error);
  }

  #release(): void {
    this.networkChanged({ phase: "searching" });
    this.#kept.end();
    this.#claim.release();
    this.#stall = undefined;
    this.#storage.forget();
  }

  #tell(error: Error): void {
    this.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
  }

  #tellStorage(): void {
    this.dispatchEvent(new Event("storagechange"));
  }

  #setState(state: MachineState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}
