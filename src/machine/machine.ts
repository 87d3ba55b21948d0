/**
 * A router: one emulated PC with one disk, one overlay and its consoles, as a page sees it.
 *
 * Every boot is a worker of its own, for v86 loads its kernel only once and a late callback must never reach the
 * next boot's disk. This class decides when one ends and the next begins; it is the only place where the state changes.
 */
import { StorageError, toStorageError } from "../disk/errors.js";
import { diskImage } from "../disk/disk-image.js";
import { readArchive, writeArchive } from "../disk/overlay-archive.js";
import { type OverlayIdentity, overlayKey } from "../disk/overlay-store.js";
import { CHUNK_BYTES, type Durability } from "../disk/chunk-store.js";
import { type Firmware, loadFirmware, loadManifest } from "../firmware/load.js";
import { firmwareDigest, type FirmwareManifest, isName } from "../firmware/manifest.js";
import { loadPcParts } from "./assets.js";
import { COMMAND_LINE } from "./command-line.js";
import { ConsoleHub, type ConsoleStreams } from "./console-streams.js";
import { MachineError } from "./errors.js";
import { MachineProgressEvent, type MachineState } from "./events.js";
import { countStoredChunks, replaceStoredChunks, storedChunks } from "./stored-chunks.js";
import { OverlayClaim } from "./overlay-claim.js";
import type { ExecOptions, ExecResult } from "./shell.js";
import type { Chunks } from "./messages.js";
import type { Holder } from "./tabs.js";
import { type ListeningPort, listeningPorts, LISTENING } from "./listening-ports.js";
import { type Ended, WorkerLink } from "./worker-link.js";
import type { ByteStream } from "../network/byte-stream.js";
import { NetworkError } from "../network/errors.js";
import type { HttpExchange } from "../network/http-message.js";
import type { ConnectOptions, LanStatus } from "../network/lan-host.js";

/** Set by the build to the worker's file name, which carries a digest of its content. */
declare const WORKER_FILE: string;

const MEMORY_BYTES = 128 * 1024 * 1024;
/** How long a router may take for a clean shutdown before it is cut off, in milliseconds. */
const SHUTDOWN_MS = 60_000;
/** How long the router's own `sync` may take before another tab gets the overlay, in milliseconds. */
const SYNC_MS = 5000;

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

interface PowerOn {
  /** drop the stored overlay first */
  readonly reset?: boolean;
  /** ask the tab that has the router to give it away */
  readonly takeOver?: boolean;
  /** store changes; default true */
  readonly saving?: boolean;
}

export class Machine extends EventTarget {
  /** name of the firmware */
  readonly firmware: string;
  /** name of the overlay; `null` when nothing is saved */
  readonly overlay: string | null;
  readonly #assets: URL;
  readonly #claim = new OverlayClaim(() => void this.#yield());
  readonly #console = new ConsoleHub((bytes) => this.#link?.input(bytes));
  #state: MachineState = "off";
  #error: Error | undefined;
  #stall: StorageError | undefined;
  #loaded: Promise<Firmware> | undefined;
  #link: WorkerLink | undefined;
  #start: Promise<void> | undefined;
  #usage: Omit<StorageReport, "persisted"> | undefined;
  #giveUp = new AbortController();
  /** whether changes are stored, as long as there is an overlay */
  #saving = true;
  /** changes of earlier boots that are stored nowhere */
  #memory: Chunks | undefined;
  #network: LanStatus = { phase: "searching" };
  #wan = false;
  #askedToPersist = false;
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

  /** Why the state is `failed`, or why it went `off` by itself. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Where the router runs, when it could not start because another tab has it and that tab answered. */
  get holder(): Holder | undefined {
    return this.#claim.holder;
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
   * @throws {StorageError} `in-use` when it does not let go within 15 seconds
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
    this.#memory = undefined;
    return this.#powerOn({ reset: true });
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

  /**
   * HTTP to the router, as its LAN sees it. Differs from the web's `fetch` in what router-fetch.ts says: every host name
   * is the router, `Cookie` and `Set-Cookie` are not hidden, `redirect: "manual"` gives the redirect itself.
   *
   * @param input address, for example "/cgi-bin/luci/"; or a Request
   * @throws {NetworkError} the router is off, cannot be reached, or does not answer with HTTP
   * @throws {TypeError} the request makes no sense; or the signal's reason
   */
  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { routerFetch } = await import("../network/router-fetch.js");
    return routerFetch(this.exchange, `http://${this.#network.router ?? "router"}/`, input, init);
  }

  /** One HTTP request as it is on the wire: no redirects are followed, no header is hidden. */
  readonly exchange: HttpExchange = (request, signal) =>
    this.#link ? this.#link.exchange(request, signal) : Promise.reject(new NetworkError("off"));

  /**
   * Opens a TCP connection to the router, from its LAN.
   *
   * @param port 1 to 65,535
   * @throws {NetworkError} the router is off, cannot be reached, or refuses; or the signal's reason
   */
  connect(port: number, options: ConnectOptions = {}): Promise<ByteStream> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      return Promise.reject(new RangeError(`${port} is no TCP port.`));
    return this.#link ? this.#link.connect(port, options) : Promise.reject(new NetworkError("off"));
  }

  /** The TCP ports that the router listens on for its LAN, by number. */
  async listeningPorts(): Promise<ListeningPort[]> {
    return listeningPorts((await this.exec(LISTENING)).stdout);
  }

  /** Where the page's PC on the LAN has found the router; changes with the event "networkchange". */
  get network(): LanStatus {
    return this.#network;
  }

  /** Whether the router's WAN card is plugged in, see {@link plugWan}. Kept over reboots, not over reloads. */
  get wan(): boolean {
    return this.#wan;
  }

  /**
   * Plugs the router's WAN card into a provider in the page, which gives it an address and answers for a few names and
   * leads nowhere else; or pulls the cable, which is how a machine begins.
   *
   * @throws {MachineError} the provider could not be downloaded
   */
  async plugWan(plugged: boolean): Promise<void> {
    await this.#link?.plugWan(plugged);
    this.#wan = plugged;
    this.dispatchEvent(new Event("networkchange"));
  }

  /** What is stored for this machine, also while it is off. */
  async storage(): Promise<StorageReport> {
    const persisted = await persistedStorage();
    if (this.#usage) return { ...this.#usage, persisted };
    if (this.overlay === null) return { bytes: 0, chunks: 0, durability: "memory", persisted };
    const manifest = await loadManifest(this.#assets, this.firmware);
    const chunks = await countStoredChunks(await this.#identity(manifest));
    return { bytes: chunks * CHUNK_BYTES, chunks, durability: "strict", persisted };
  }

  /**
   * Everything the router changed, as one file (docs/archive-format.md), also while it is off or cannot save.
   *
   * @throws {StorageError} what is stored cannot be read
   */
  async exportOverlay(): Promise<Blob> {
    const { manifest } = await this.#load();
    const identity = await this.#identity(manifest);
    const chunks = await this.#chunks(identity);
    const firmwareTitle = `${manifest.title} ${manifest.version}`;
    return writeArchive({ ...identity, chunkBytes: CHUNK_BYTES, firmwareTitle }, chunks);
  }

  /** The whole disk as a raw image: the firmware's root and everything changed. QEMU boots it. */
  async exportDisk(): Promise<Blob> {
    const { manifest, root } = await this.#load();
    const chunks = await this.#chunks(await this.#identity(manifest));
    return diskImage(new Uint8Array(root), chunks, manifest.diskBytes, CHUNK_BYTES);
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
    const { manifest } = await this.#load();
    const identity = await this.#identity(manifest);
    const chunks = await readArchive(blob, { ...identity, chunkBytes: CHUNK_BYTES });
    const wasOn = this.#link !== undefined;
    const saved = this.overlay !== null && this.#saving;
    if (saved) await this.#claim.take(overlayKey(identity), false, new AbortController().signal);
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
    const { reset = false, takeOver = false, saving = true } = how;
    this.#error = undefined;
    this.#saving = saving;
    this.#setState("loading");
    const [parts, firmware] = await Promise.all([loadPcParts(this.#assets), this.#load(signal)]);
    signal.throwIfAborted();
    if (this.overlay !== null && saving) {
      const key = overlayKey({ overlay: this.overlay, firmware: firmware.digest });
      await this.#claim.take(key, takeOver, signal);
    }
    signal.throwIfAborted();
    const url = new URL(WORKER_FILE, this.#assets);
    const link = new WorkerLink(
      url,
      {
        ...parts,
        assets: this.#assets.href,
        kernel: firmware.kernel,
        root: firmware.root,
        commandLine: COMMAND_LINE,
        memoryBytes: MEMORY_BYTES,
        diskBytes: firmware.manifest.diskBytes,
        firmware: firmware.digest,
        overlay: this.overlay ?? undefined,
        saving,
        memory: this.#memory,
        wan: this.#wan,
        reset,
      },
      {
        stage: (stage) => this.dispatchEvent(new MachineProgressEvent(stage)),
        output: (bytes) => this.#console.output(bytes),
        usage: ({ bytes, chunks, durability }) => {
          this.#usage = { bytes, chunks, durability };
          if (chunks > 0 && durability === "strict") void this.#askToPersist();
          this.dispatchEvent(new Event("storagechange"));
        },
        stalled: (error) => {
          this.#stall = error;
          this.#tell(error);
        },
        network: (status) => this.#networkChanged(status),
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
  #ended(link: WorkerLink, { how, lastLines, memory }: Ended): void {
    if (this.#link !== link) return;
    this.#memory = memory;
    this.#link = undefined;
    this.#start = undefined;
    if (how === "reboot") void this.#powerOn({ saving: this.#saving }).catch(() => undefined);
    else if (how === "panic")
      this.#fail(
        new MachineError(
          "The router's kernel panicked. Start it again, or reset it if that does not help.",
          lastLines,
        ),
      );
    else this.#turnOff();
  }

  /** Another tab asked for the router: save everything, stop, let go, say so. */
  async #yield(): Promise<void> {
    const link = this.#link;
    if (link && this.#state === "running")
      await link.exec("sync", { timeout: SYNC_MS }).catch(() => undefined);
    if (link && !this.#stall) {
      link.stop();
      await link.ended.catch(() => undefined);
    }
    this.#abandon("The router was taken over by another tab.");
    this.#error = new StorageError("taken-over");
    this.#turnOff();
    this.#tell(this.#error);
  }

  /** Asks the browser not to evict this origin's data, once, when there is something to lose. */
  async #askToPersist(): Promise<void> {
    if (this.#askedToPersist) return;
    this.#askedToPersist = true;
    await navigator.storage.persist().catch(() => false);
    this.dispatchEvent(new Event("storagechange"));
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

  async #identity(manifest: FirmwareManifest): Promise<OverlayIdentity> {
    const firmware = await firmwareDigest(manifest);
    return { overlay: this.overlay ?? "copy", firmware, diskBytes: manifest.diskBytes };
  }

  /** The user's layer as it is now, as fresh as the router can make it. */
  async #chunks(identity: OverlayIdentity): Promise<Chunks> {
    const link = this.#link;
    if (!link) return this.#memory ?? (this.overlay === null ? new Map() : storedChunks(identity));
    if (this.#state === "running" && !this.#stall)
      await link.exec("sync", { timeout: SYNC_MS }).catch(() => undefined);
    return link.snapshot();
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
    if (decision === "detach") this.#saving = false;
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

  #networkChanged(status: LanStatus): void {
    this.#network = status;
    this.dispatchEvent(new Event("networkchange"));
  }

  #release(): void {
    this.#networkChanged({ phase: "searching" });
    this.#claim.release();
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
