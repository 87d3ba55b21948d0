/**
 * A router: one emulated PC with one disk, one overlay and its consoles, as a page sees it.
 *
 * Every boot is a worker of its own, for v86 loads its kernel only once and a late callback must never reach the
 * next boot's disk. This class decides when one ends and the next begins; it is the only place where the state changes.
 */
import { type StorageError, toStorageError } from "../disk/errors.js";
import { lockOverlay, type OverlayLock } from "../disk/lock.js";
import { openOverlayStore, overlayKey } from "../disk/overlay-store.js";
import { CHUNK_BYTES, type Durability } from "../disk/chunk-store.js";
import { type Firmware, loadFirmware, loadManifest } from "../firmware/load.js";
import { firmwareDigest, isName } from "../firmware/manifest.js";
import { loadPcParts } from "./assets.js";
import { ConsoleHub, type ConsoleStreams } from "./console-streams.js";
import { MachineError } from "./errors.js";
import { MachineProgressEvent, type MachineState } from "./events.js";
import type { ExecOptions, ExecResult } from "./shell.js";
import { type Ended, WorkerLink } from "./worker-link.js";

/** Set by the build to the worker's file name, which carries a digest of its content. */
declare const WORKER_FILE: string;

const MEMORY_BYTES = 128 * 1024 * 1024;
const COMMAND_LINE =
  "console=ttyS0 root=/dev/sda rootfstype=squashfs ro init=/etc/preinit tsc=reliable random.trust_cpu=on nowatchdog";
/** How long a router may take for a clean shutdown before it is cut off, in milliseconds. */
const SHUTDOWN_MS = 60_000;

export interface MachineOptions {
  /** name of a firmware that the site offers, for example "demo" */
  readonly firmware: string;
  /** name of the overlay in this origin's storage; `null` saves nothing. Default "default" */
  readonly overlay?: string | null;
  /** URL of the directory with the built files, ending in "/" */
  readonly assets: URL | string;
}

/** What is stored of a machine. */
export interface StorageReport {
  /** bytes of the stored chunks */
  readonly bytes: number;
  readonly chunks: number;
  /** whether the browser promised not to evict this origin's data */
  readonly persisted: boolean;
  readonly durability: Durability;
}

export class Machine extends EventTarget {
  /** name of the firmware */
  readonly firmware: string;
  /** name of the overlay; `null` when nothing is saved */
  readonly overlay: string | null;
  readonly #assets: URL;
  readonly #console = new ConsoleHub((bytes) => this.#link?.input(bytes));
  #state: MachineState = "off";
  #error: Error | undefined;
  #stall: StorageError | undefined;
  #loaded: Promise<Firmware> | undefined;
  #link: WorkerLink | undefined;
  #start: Promise<void> | undefined;
  #lock: OverlayLock | undefined;
  #usage: Omit<StorageReport, "persisted"> | undefined;
  #giveUp = new AbortController();
  #destroyed = false;

  /** @throws {MachineError} a name with characters that names may not have */
  constructor(options: MachineOptions) {
    super();
    const { firmware, overlay = "default" } = options;
    if (!isName(firmware)) throw new MachineError(`"${firmware}" is not a name of a firmware.`);
    if (overlay !== null && !isName(overlay))
      throw new MachineError(
        `"${overlay}" cannot name an overlay: use up to 64 lower-case letters, digits, ".", "_" and "-".`,
      );
    this.firmware = firmware;
    this.overlay = overlay;
    this.#assets = new URL(options.assets);
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Why the state is `failed`. */
  get error(): Error | undefined {
    return this.#error;
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
    return this.#start ?? this.#powerOn(false);
  }

  /**
   * Reboots cleanly, as `reboot` in the router does; a router that does not obey within a minute is cut off.
   *
   * @returns when a shell answers again
   */
  async reboot(): Promise<void> {
    const link = this.#link;
    if (link) await this.#shutDown(link, "reboot");
    return this.start();
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
    return this.#powerOn(true);
  }

  /**
   * Runs a command in the router's root shell, after those asked before. While the router boots it waits.
   *
   * @param command what `sh -c` would take
   * @returns output as text, and the exit status
   * @throws {MachineError} the router is off or went off; {@link DOMException} on timeout or abort
   */
  exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    if (!this.#link)
      return Promise.reject(new MachineError("The router is off. Start it to run commands."));
    return this.#link.exec(command, options);
  }

  /** What is stored for this machine, also while it is off. */
  async storage(): Promise<StorageReport> {
    const persisted = await persistedStorage();
    if (this.#usage) return { ...this.#usage, persisted };
    if (this.overlay === null) return { bytes: 0, chunks: 0, durability: "memory", persisted };
    const manifest = await loadManifest(this.#assets, this.firmware);
    const firmware = await firmwareDigest(manifest);
    const store = await openOverlayStore(
      { overlay: this.overlay, firmware, diskBytes: manifest.diskBytes },
      CHUNK_BYTES,
    );
    try {
      const chunks = (await store.indexes()).length;
      return { bytes: chunks * CHUNK_BYTES, chunks, durability: store.durability, persisted };
    } finally {
      store.close();
    }
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

  #powerOn(reset: boolean): Promise<void> {
    if (this.#destroyed)
      return Promise.reject(new MachineError("This router was removed from the page."));
    const { signal } = (this.#giveUp = new AbortController());
    const start = this.#boot(reset, signal).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      this.#fail(error);
      throw error;
    });
    this.#start = start;
    // Callers that await it see the failure; the state and the "error" event tell everybody else.
    start.catch(() => undefined);
    return start;
  }

  async #boot(reset: boolean, signal: AbortSignal): Promise<void> {
    this.#error = undefined;
    this.#setState("loading");
    const [parts, firmware] = await Promise.all([loadPcParts(this.#assets), this.#load(signal)]);
    signal.throwIfAborted();
    if (this.overlay !== null && !this.#lock) {
      const lock = await lockOverlay(
        overlayKey({ overlay: this.overlay, firmware: firmware.digest }),
      );
      if (signal.aborted) lock.release();
      else this.#lock = lock;
    }
    signal.throwIfAborted();
    const url = new URL(WORKER_FILE, this.#assets);
    const link = new WorkerLink(
      url,
      {
        ...parts,
        kernel: firmware.kernel,
        root: firmware.root,
        commandLine: COMMAND_LINE,
        memoryBytes: MEMORY_BYTES,
        diskBytes: firmware.manifest.diskBytes,
        firmware: firmware.digest,
        overlay: this.overlay ?? undefined,
        reset,
      },
      {
        stage: (stage) => this.dispatchEvent(new MachineProgressEvent(stage)),
        output: (bytes) => this.#console.output(bytes),
        usage: ({ bytes, chunks, durability }) => {
          this.#usage = { bytes, chunks, durability };
          this.dispatchEvent(new Event("storagechange"));
        },
        stalled: (error) => {
          this.#stall = error;
          this.#tell(error);
        },
      },
    );
    this.#link = link;
    this.#setState("booting");
    link.ended.then(
      (ended) => this.#ended(link, ended),
      (error: unknown) => {
        if (this.#link === link) this.#fail(error);
      },
    );
    await link.shell;
    this.#setState("running");
  }

  /** A boot came to its end, by the guest's or the host's doing. */
  #ended(link: WorkerLink, { how, lastLines }: Ended): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#start = undefined;
    if (how === "reboot") void this.#powerOn(false).catch(() => undefined);
    else if (how === "panic")
      this.#fail(
        new MachineError(
          "The router's kernel panicked. Start it again, or reset it if that does not help.",
          lastLines,
        ),
      );
    else this.#turnOff();
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

  /** Fetches the firmware once; a failure is not kept. */
  #load(signal?: AbortSignal): Promise<Firmware> {
    this.#loaded ??= loadFirmware(this.#assets, this.firmware, {
      ...(signal && { signal }),
      onProgress: (loaded, total) =>
        this.dispatchEvent(new MachineProgressEvent("fetch", loaded, total)),
    }).catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  #decide(decision: "retry" | "detach"): void {
    if (!this.#stall) return;
    this.#stall = undefined;
    this.#link?.decide(decision);
    this.dispatchEvent(new Event("storagechange"));
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
    this.#lock?.release();
    this.#lock = undefined;
    this.#stall = undefined;
    this.#usage = undefined;
  }

  #tell(error: Error): void {
    this.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
  }

  #setState(state: MachineState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

async function persistedStorage(): Promise<boolean> {
  try {
    return await navigator.storage.persisted();
  } catch {
    return false;
  }
}
