/**
 * A router: one emulated PC with one disk, one overlay and its consoles, as a page or a Node program sees it.
 *
 * What it is doing is power.ts's; each power-on is a {@link Run} with a worker of its own, and the parts of this class are
 * given the run that is under way.
 */
import { CHUNK_BYTES, type Chunks } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import { FirmwareError } from "../firmware/errors.js";
import type { FirmwareSource } from "../firmware/source.js";
import type { ByteStream } from "../common/byte-stream.js";
import type { HttpExchange } from "../network/http-message.js";
import type { ConnectOptions, LanStatus } from "../network/lan-host.js";
import { OverlayBusyError } from "../overlay/errors.js";
import type { Holder } from "../overlay/tabs.js";
import type { Capture, Wishes } from "./calls.js";
import { ConsoleHub, type ConsoleStreams } from "./console-streams.js";
import { MachineError } from "./errors.js";
import {
  MachineErrorEvent,
  MachineProgressEvent,
  type MachineState,
  StorageChangeEvent,
} from "./events.js";
import { ERRORS } from "./error-codec.js";
import type { MachineHost } from "./host.js";
import { LISTENING, type ListeningPort, listeningPorts } from "./listening-ports.js";
import { checkOptions, type MachineOptions } from "./machine-options.js";
import { overlayOf } from "./overlay-of.js";
import { Power, type RunStart } from "./power.js";
import { RouterClient } from "./router-client.js";
import { Run, type RunListener } from "./run.js";
import type { Process } from "./command.js";
import type { ExecOptions, ExecResult } from "./exec.js";
import type { WriteFileOptions } from "./guest-files.js";
import type { StorageReport } from "./storage-report.js";
import { StorageWatch } from "./storage-watch.js";

/** How long to wait for an overlay without asking: a page that was closed or reloaded just now holds it a moment longer. */
const LEASE_WAIT_MS = 2000;
/** How long a copy that is being restored may hold it. */
const REPLACING_WAIT_MS = 60_000;
/** In the preferences: "off" when no memory is to be kept. */
const KEEP_MEMORY = "openwrt-playground/keep-memory";

export class Machine extends EventTarget {
  /** name of the firmware */
  readonly firmware: string;
  /** name of the overlay; `null` when nothing is saved */
  readonly overlay: string | null;
  readonly #host: MachineHost;
  readonly #power: Power;
  readonly #client = new RouterClient(() => this.#power.run);
  readonly #storage: StorageWatch;
  readonly #console = new ConsoleHub((bytes) => {
    void this.#power.run?.remote.call("type", bytes).catch(() => undefined);
  });
  #state: MachineState = "off";
  #network: LanStatus = { phase: "searching" };
  #wan = false;
  readonly #warmUp: Wishes["warmUp"];
  #source: Promise<FirmwareSource> | undefined;
  /** while a copy is restored to a machine that is off */
  #replacing = false;

  /** @throws {MachineError} a name with characters that names may not have */
  constructor(options: MachineOptions, host: MachineHost) {
    super();
    const { firmware, overlay, warmUp } = checkOptions(options);
    this.#warmUp = warmUp;
    this.firmware = firmware;
    this.overlay = overlay;
    this.#host = host;
    this.#storage = new StorageWatch(host.persistence, host.overlays, (report) =>
      this.dispatchEvent(new StorageChangeEvent(report)),
    );
    this.#power = new Power({
      begin: (start, listener) => this.#begin(start, listener),
      changed: () => this.#changed(),
      error: (error) => {
        // The site may have been mended by the time somebody tries again.
        if (error instanceof FirmwareError) this.#source = undefined;
        this.dispatchEvent(new MachineErrorEvent(error));
      },
    });
    host.visibility.addEventListener("change", this.#seen);
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Why the state is `failed`, or why it went `off` by itself. */
  get error(): Error | undefined {
    return this.#power.error;
  }

  /** Where the router runs, when it could not start because another tab has it and that tab answered. */
  get holder(): Holder | undefined {
    const { error } = this.#power;
    return error instanceof OverlayBusyError ? error.holder : undefined;
  }

  /** Whether the router goes on from the memory of an earlier visit, with whatever was on its console then. */
  get resumed(): boolean {
    return this.#power.run?.resumed ?? false;
  }

  /** Set while the machine is paused because its changes cannot be saved; see {@link retry} and {@link detach}. */
  get stall(): StorageError | undefined {
    return this.#power.run?.stall;
  }

  /** The router's first console; every access gives a pair of streams of its own. */
  get console(): ConsoleStreams {
    return this.#console.open();
  }

  /**
   * Switches on; does nothing more when it is on already.
   *
   * @param options `failsafe`: boots into OpenWrt's failsafe, in which the overlay is not mounted; a router that is on
   *   reboots into it
   * @returns when a shell answers
   * @throws {MachineError | FirmwareError | StorageError} it cannot start; the state is `failed`
   */
  start({ failsafe = false }: { readonly failsafe?: boolean } = {}): Promise<void> {
    return this.#power.start({ failsafe });
  }

  /**
   * Starts after another tab of this origin gave the router away: that one syncs, stops, and says so.
   *
   * @throws {OverlayBusyError} `in-use` when it does not let go; `unsaved-elsewhere` when it has changes that it cannot
   *   save
   */
  takeOver(): Promise<void> {
    return this.#power.takeOver();
  }

  /** Starts from a copy of what is stored. This machine then saves nothing, until {@link takeOver} or a reset. */
  startWithoutSaving(): Promise<void> {
    return this.#power.start({ saving: false });
  }

  /**
   * Reboots cleanly, as `reboot` in the router does; a router that does not obey within a minute is cut off.
   *
   * @returns when a shell answers again
   */
  reboot(): Promise<void> {
    return this.#power.reboot();
  }

  /** Powers off cleanly, as `poweroff` in the router does. @returns at state `off` */
  powerOff(): Promise<void> {
    return this.#power.powerOff();
  }

  /**
   * Factory reset: drops everything the router wrote, then starts it. Works in every state.
   *
   * @returns when a shell answers
   */
  reset(): Promise<void> {
    return this.#power.reset();
  }

  /** After a stall: tries to save the pending changes again. */
  retry(): void {
    this.#power.run?.decide("retry");
  }

  /** After a stall: goes on without saving; what was stored before stays as it is. */
  detach(): void {
    this.#power.run?.decide("detach");
  }

  /** Ends the machine for good, at once. What was saved stays. */
  destroy(): Promise<void> {
    this.#host.visibility.removeEventListener("change", this.#seen);
    this.#power.destroy();
    this.#console.close();
    return Promise.resolve();
  }

  /**
   * Runs a command in a root shell of the router, beside whatever else runs. While the router boots it waits.
   *
   * @param command what `sh -c` would take
   * @returns output as text, and the exit status
   * @throws {MachineError} the router is off or went off; {@link DOMException} on timeout or abort
   */
  exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    return this.#client.exec(command, options);
  }

  /**
   * Runs a command beside whatever else runs, with its input and output as streams. Output that is not read holds the
   * command back; `kill` signals it and what it started.
   *
   * @param command what `sh -c` would take
   * @param options `signal` ends it
   * @throws {MachineError} the router is off
   */
  spawn(command: string, options: { readonly signal?: AbortSignal } = {}): Process {
    return this.#client.spawn(command, options);
  }

  /**
   * Reads a file of the router, byte for byte.
   *
   * @param path absolute
   * @throws {MachineError} the router is off, there is no such file, it is a directory, or larger than 256 MiB
   */
  readFile(path: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    return this.#client.readFile(path, signal);
  }

  /**
   * Writes a file of the router, or replaces it: a reader there sees the old content or the new one.
   *
   * @param path absolute; its directory exists
   * @param options `mode`: permissions, 0 to 0o7777; by default those of the file that is replaced, or 0o644
   * @throws {MachineError} the router is off, or cannot store it: then the old file is as it was
   */
  writeFile(
    path: string,
    data: Blob | Uint8Array | string,
    options: WriteFileOptions = {},
  ): Promise<void> {
    return this.#client.writeFile(path, data, options);
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
  readonly exchange: HttpExchange = (request, signal) => this.#client.exchange(request, signal);

  /**
   * Opens a TCP connection to the router, from its LAN.
   *
   * @param port 1 to 65,535
   * @throws {NetworkError} the router is off, cannot be reached, or refuses; or the signal's reason
   */
  async connect(port: number, options: ConnectOptions = {}): Promise<ByteStream> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new RangeError(`${port} is no TCP port.`);
    return this.#client.connect(port, options);
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
   * leads nowhere else; or pulls the cable, which is how a machine begins. The last call counts.
   *
   * @throws {MachineError} the provider could not be downloaded
   */
  async plugWan(plugged: boolean): Promise<void> {
    const before = this.#wan;
    this.#wan = plugged;
    this.dispatchEvent(new Event("networkchange"));
    try {
      await this.#power.run?.remote.call("plugWan", plugged);
    } catch (error) {
      // Off, it begins with the cable as it was wanted last.
      if (!this.#power.run || this.#wan !== plugged) return;
      this.#wan = before;
      this.dispatchEvent(new Event("networkchange"));
      throw error;
    }
  }

  /** What is stored for this machine, also while it is off. */
  async storage(): Promise<StorageReport> {
    const { run } = this.#power;
    if (run) {
      const report = await this.#storage.running(run).catch(() => undefined);
      if (report) return report;
    }
    try {
      return await this.#storage.off(
        this.overlay === null ? undefined : overlayOf(this.overlay, await this.#open()),
      );
    } catch (error) {
      // The browser says it only to who looks first, and nobody may miss it.
      if (error instanceof StorageError && error.problem === "lost") this.#power.fail(error);
      throw error;
    }
  }

  /**
   * Whether the router's memory is kept beside its changes, so that the next visit goes on where this one ended. For
   * all routers of the origin; default true. It only ever saves time.
   */
  get keepMemory(): boolean {
    return this.#host.preferences.get(KEEP_MEMORY) !== "off";
  }

  set keepMemory(keep: boolean) {
    this.#host.preferences.set(KEEP_MEMORY, keep ? "on" : "off");
    void this.#power.run?.remote.call("keepMemory", keep).catch(() => undefined);
  }

  /**
   * Everything the router changed, as one file (docs/archive-format.md), also while it is off or cannot save.
   *
   * @throws {StorageError} what is stored cannot be read
   */
  async exportOverlay(): Promise<Blob> {
    const firmware = await this.#open();
    const identity = overlayOf(this.overlay, firmware);
    const { copyOfChanges } = await import("./copies.js");
    return copyOfChanges(identity, await this.#chunks(identity));
  }

  /** The whole disk as a raw image: the firmware's root and everything changed. QEMU boots it. */
  async exportDisk(): Promise<Blob> {
    const firmware = await this.#open();
    const { copyOfDisk } = await import("./copies.js");
    return copyOfDisk(firmware, await this.#chunks(overlayOf(this.overlay, firmware)));
  }

  /**
   * Replaces everything the router changed by what {@link exportOverlay} gave. All or nothing: a file that cannot be
   * used or stored changes nothing, and the router goes on. One that is on starts again with it.
   *
   * @returns when it is stored, and, if the router was on, a shell answers
   * @throws {ArchiveError} the file is damaged, or belongs to another firmware or disk
   * @throws {StorageError} it cannot be stored, or another tab runs the router
   */
  async importOverlay(blob: Blob): Promise<void> {
    const identity = overlayOf(this.overlay, await this.#open());
    const { readArchive } = await import("../overlay/archive.js");
    const chunks = await readArchive(blob, { ...identity, chunkBytes: CHUNK_BYTES });
    const { run } = this.#power;
    if (this.overlay === null || !this.#power.saving) return this.#power.replaced(chunks);
    if (run) {
      await run.remote.call("replace", chunks);
      return this.#power.replaced(undefined);
    }
    this.#replacing = true;
    try {
      await this.#host.overlays.replace(identity, chunks);
    } finally {
      this.#replacing = false;
    }
  }

  /**
   * Memory and changes of the running router at one moment, for a factory state.
   *
   * @param choose is given a copy of the memory, and says the addresses of pages that the state shall leave out
   * @throws {MachineError} the router is off, or too busy
   */
  async capture(choose: (memory: Uint8Array) => readonly number[] = () => []): Promise<Capture> {
    const { run } = this.#power;
    if (!run) throw new MachineError("The router is off. Start it first.");
    const memory = await run.remote.call("freeze");
    try {
      return await run.remote.call("capture", { leaveOut: choose(memory) });
    } catch (error) {
      // It lets the router go on, if nothing has yet.
      await run.remote.call("capture", { leaveOut: [] }).catch(() => undefined);
      throw error;
    }
  }

  /** Starts the worker of a power-on, and listens to what it says. */
  #begin(start: RunStart, listener: RunListener): Run {
    const { firmware, overlay } = this;
    this.#network = { phase: "searching" };
    const leaseWait = this.#replacing ? REPLACING_WAIT_MS : LEASE_WAIT_MS;
    const run = new Run(
      this.#host,
      {
        ...{ ...start, firmware, overlay, leaseWait, wan: this.#wan },
        ...{ keepMemory: this.keepMemory, page: this.#host.page, warmUp: this.#warmUp },
        visible: this.#host.visibility.isVisible,
      },
      listener,
    );
    const { remote } = run;
    remote.on("progress", ({ loaded, total }) =>
      this.dispatchEvent(new MachineProgressEvent("fetch", loaded, total)),
    );
    remote.on("stage", (stage) => this.dispatchEvent(new MachineProgressEvent(stage)));
    remote.on("output", (bytes) => this.#console.output(bytes));
    remote.on("network", (status) => this.#networkIs(status));
    remote.on("unplugged", (failure) => {
      const error = ERRORS.decode(failure);
      this.#wan = false;
      this.dispatchEvent(new Event("networkchange"));
      this.dispatchEvent(new MachineErrorEvent(error));
    });
    this.#storage.follow(run);
    remote.on("wanted", () => this.#power.yield());
    return run;
  }

  /** The user's layer as it is now, as fresh as the router can make it. */
  async #chunks(identity: OverlayIdentity): Promise<Chunks> {
    const { run, memory } = this.#power;
    if (run) return run.remote.call("snapshot");
    if (memory) return memory;
    return this.overlay === null ? new Map() : this.#host.overlays.chunks(identity);
  }

  /** The firmware's manifest, got once; a failure is not kept. */
  #open(): Promise<FirmwareSource> {
    this.#source ??= this.#host.firmware(this.firmware).catch((error: unknown) => {
      this.#source = undefined;
      throw error;
    });
    return this.#source;
  }

  readonly #seen = () => {
    const { isVisible } = this.#host.visibility;
    void this.#power.run?.remote.call("visible", isVisible).catch(() => undefined);
  };

  #networkIs(status: LanStatus): void {
    this.#network = status;
    this.dispatchEvent(new Event("networkchange"));
  }

  #changed(): void {
    const { state } = this.#power;
    if (state !== this.#state) {
      this.#state = state;
      this.dispatchEvent(new Event("statechange"));
    }
    if (this.#power.run) return;
    if (this.#network.phase !== "searching") this.#networkIs({ phase: "searching" });
    this.dispatchEvent(new StorageChangeEvent(undefined));
  }
}
