/**
 * One power-on: the emulator, its disk, its consoles and its network, from the first instruction or from a saved state
 * to the end of that boot. Runs in a machine's worker, and in Node where a factory state is made.
 */
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import type { StorageError } from "../disk/errors.js";
import { ImageLayer } from "../disk/image-layer.js";
import { LayeredDisk } from "../disk/layered-disk.js";
import { type OverlayIdentity, overlayKey } from "../overlay/identity.js";
import type { HttpExchange } from "../network/http-message.js";
import { storeState } from "../snapshot/saved-state.js";
import { failure } from "./failure.js";
import { type BootStage, ConsoleWatch } from "./boot-watch.js";
import { openStore, type Restored, stateToRestore } from "./boot-store.js";
import { ByteTail } from "./byte-tail.js";
import { MachineError } from "./errors.js";
import { freshen } from "./freshen.js";
import type { Chunks, Ending, FromWorker, StartMessage, ToWorker } from "./messages.js";
import { PageRequests } from "./page-requests.js";
import { isPanic } from "./panic.js";
import { pcWith } from "./pc-identity.js";
import { RouterNetwork } from "./router-network.js";
import { type ExecResult, RouterShell } from "./shell.js";
import { SyncSchedule } from "./sync-schedule.js";
import { Pc } from "./v86.js";

const USAGE_EVERY_MS = 250;

/**
 * True when the first boot's configuration exists (OpenWrt's /bin/config_generate makes it; other roots have none to
 * wait for) and the router has taken its name from it.
 */
const CONFIGURED =
  "{ [ ! -x /bin/config_generate ] || [ -s /etc/config/system ]; } && " +
  "read -r name </proc/sys/kernel/hostname && [ \"$name\" != '(none)' ]";
/** True when the services have started, for routers whose log tells it and not their console (OpenWrt, once logd runs). */
const INIT_COMPLETE = "logread 2>/dev/null | grep -q 'procd: - init complete -'";
const INIT_POLL_MS = 3000;
const INIT_POLLS = 100;
const CONFIG_POLL_MS = 250;
const CONFIG_WAIT_MS = 60_000;
/** How much of the first console is kept for the next visit, in bytes: some screens of it. */
const SHOWN_BYTES = 64 * 1024;
/** How long a restored router may take to answer before it is given up and booted, in milliseconds. */
const RESTORED_ANSWER_MS = 30_000;

/** Who runs a boot. */
export interface BootHost {
  post(message: FromWorker, transfer?: Transferable[]): void;
  /** @param path below the directory with the built files */
  loadWasm(path: string): Promise<WebAssembly.Module>;
}

function causeText(cause: unknown): string {
  return cause instanceof Error || cause instanceof DOMException
    ? `${cause.name}: ${cause.message}`
    : typeof cause === "string"
      ? cause
      : "";
}

export class Boot {
  readonly #pc: Pc;
  readonly #shell: RouterShell;
  readonly #network: RouterNetwork;
  readonly #watch: ConsoleWatch;
  readonly #identity: OverlayIdentity;
  /** SHA-256, hex */
  readonly #kernel: string;
  /** what the first console showed last */
  readonly #shown = new ByteTail(SHOWN_BYTES);
  /** what was typed before a restored router may be used; `undefined` from then on */
  #held: Uint8Array[] | undefined;
  readonly #requests: PageRequests;
  /** from when the router may be used, if its changes are stored at all */
  #syncs: SyncSchedule | undefined;
  /** the services have started */
  #isUp = false;
  #usageDue = false;
  #panicSuspected = false;
  #over = false;

  private constructor(
    message: StartMessage,
    private readonly disk: LayeredDisk,
    private readonly store: ChunkStore,
    private readonly host: BootHost,
    restored: Restored | undefined,
  ) {
    const encoder = new TextEncoder();
    this.#watch = new ConsoleWatch({
      onStage: (stage) => this.#reached(stage),
      onPanicLine: () => void this.#checkPanic(),
    });
    this.#shell = new RouterShell((text) => this.#pc.sendConsole(encoder.encode(text)));
    this.#identity = message.identity;
    this.#kernel = message.kernel;
    this.#held = restored ? [] : undefined;
    if (restored?.console) this.#print(restored.console);
    this.#pc = new Pc({
      ...message,
      disk,
      state: restored?.state,
      pages: restored?.pages,
      on: {
        serial: (bytes) => {
          this.#watch.receive(bytes);
          this.#print(bytes);
          this.#syncs?.printed();
        },
        console: (bytes) => this.#shell.receive(bytes),
        frame: (card, frame) => this.#network.receive(card, frame),
        reboot: () => this.#end(this.#panicSuspected ? "panic" : "reboot"),
        halt: () => this.#end("halt"),
        error: (error) => this.#fail(error),
      },
    });
    this.#network = new RouterNetwork({
      loadWasm: (path) => host.loadWasm(path),
      pc: this.#pc,
      shell: this.#shell,
      isUp: restored !== undefined,
      onStatus: (status) => this.host.post({ type: "network", status }),
    });
    this.#requests = new PageRequests({
      shell: this.#shell,
      network: this.#network,
      post: (answer) => this.host.post(answer),
      onTouched: () => this.#syncs?.touched(),
    });
    if (message.wan) void this.#network.plugWan(true).catch(() => undefined);
    const ready = restored ? this.#restored() : this.#shellReady();
    ready.then(
      () => {
        this.host.post({ type: "shell" });
        this.#network.begin();
        if (store.durability === "strict") this.#syncs = new SyncSchedule(() => this.#sync());
        this.#letIn();
        if (!restored) void this.#watchServices().catch(() => undefined);
      },
      (error: unknown) => {
        if (restored) this.#unfit(error);
      },
    );
    this.#postUsage();
  }

  /** @throws {StorageError} the store cannot be opened */
  static async start(message: StartMessage, host: BootHost): Promise<Boot> {
    let boot: Boot | undefined;
    const { diskBytes } = message.identity;
    const store = await openStore(message);
    if (message.reset) await store.clear();
    const disk = await LayeredDisk.open({
      base: new ImageLayer(new Uint8Array(message.root), diskBytes),
      store,
      chunkBytes: CHUNK_BYTES,
      seed: message.restore?.kind === "factory" ? message.restore.seed : undefined,
      onStall: (error) => boot?.stalled(error),
      onCommit: () => boot?.usageChanged(),
    });
    try {
      const restored = await stateToRestore(message, disk, store.generation());
      boot = new Boot(message, disk, store, host, restored);
      return boot;
    } catch (error) {
      disk.close();
      throw error;
    }
  }

  /** Runs a command, as the page's `exec` does. */
  exec(command: string): Promise<ExecResult> {
    return this.#shell.exec(command);
  }

  /** HTTP to the router. */
  readonly exchange: HttpExchange = (request, signal) => this.#network.exchange(request, signal);

  /** Stops for good. What was not flushed is lost. */
  destroy(): void {
    this.#over = true;
    this.#syncs?.end();
    this.#shell.end(new MachineError("The router was switched off."));
    this.#network.destroy();
    void this.#pc.pause();
    this.disk.close();
  }

  receive(message: Exclude<ToWorker, { type: "start" }>): void {
    switch (message.type) {
      case "input":
        this.#syncs?.touched();
        // Nobody touches a restored router before it is fresh.
        return this.#held
          ? void this.#held.push(message.bytes)
          : this.#pc.sendSerial(message.bytes);
      case "snapshot":
        return void this.#requests.answer(message.id, async () => {
          const chunks = await this.disk.snapshot();
          this.host.post({ type: "chunks", id: message.id, chunks });
        });
      case "save":
        return void this.#requests.answer(message.id, async () => {
          const bytes = await this.#store();
          this.host.post({ type: "saved", id: message.id, bytes });
        });
      case "decide":
        return this.#decide(message.decision);
      case "stop":
        return void this.#pc.pause().then(() => this.#end("stopped"));
      default:
        return this.#requests.receive(message);
    }
  }

  /**
   * OpenWrt starts its consoles while it still writes its first configuration: a shell that finds no /etc/config/system
   * yet is of no use to anybody, so that moment is waited for; no longer than until the services have started, for its
   * owner may have removed it.
   */
  async #shellReady(): Promise<void> {
    await this.#shell.connect();
    const giveUp = performance.now() + CONFIG_WAIT_MS;
    while (performance.now() < giveUp) {
      const { exitCode } = await this.#shell.exec(`${CONFIGURED} || ${INIT_COMPLETE}`);
      if (exitCode === 0 || this.#isUp) return;
      await new Promise((resolve) => setTimeout(resolve, CONFIG_POLL_MS));
    }
  }

  #reached(stage: BootStage): void {
    if (stage === "ready") this.#isUp = true;
    this.host.post({ type: "stage", stage });
  }

  async #watchServices(): Promise<void> {
    for (let poll = 0; poll < INIT_POLLS; poll++) {
      await new Promise((resolve) => setTimeout(resolve, INIT_POLL_MS));
      if (this.#isUp) return;
      if ((await this.#shell.exec(INIT_COMPLETE)).exitCode === 0) return this.#reached("ready");
    }
  }

  #print(bytes: Uint8Array<ArrayBuffer>): void {
    this.#shown.push(bytes);
    this.host.post({ type: "output", bytes }, [bytes.buffer]);
  }

  async #restored(): Promise<void> {
    const late = new Promise<never>((_resolve, reject) =>
      setTimeout(
        () => reject(new Error("The restored router does not answer.")),
        RESTORED_ANSWER_MS,
      ),
    );
    await Promise.race([freshen(this.#shell), late]);
  }

  #letIn(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of held) this.#pc.sendSerial(bytes);
    if (held.length > 0) this.#syncs?.touched();
  }

  #unfit(error: unknown): void {
    if (this.#over) return;
    this.destroy();
    this.host.post({ type: "unfit", message: String(error) });
  }

  /**
   * Memory at a moment when the disk is all stored, and the disk's generation then.
   *
   * @throws {MachineError} the router is too busy, or its changes cannot be saved just now
   */
  save(): Promise<{ state: ArrayBuffer; generation: number }> {
    return this.#still((state) => ({ state, generation: this.store.generation() }));
  }

  /**
   * The same, with all that was written to the disk by that moment.
   *
   * @param choose is given the memory, and says the addresses of pages that the state shall leave out
   * @throws {MachineError} as above
   */
  whole(
    choose?: (memory: Uint8Array) => readonly number[],
  ): Promise<{ state: ArrayBuffer; chunks: Chunks }> {
    return this.#still(async (state) => ({ state, chunks: await this.disk.snapshot() }), choose);
  }

  /** Stops the CPU where a state can be had and the disk is all stored, until `take` is done with it. */
  async #still<T>(
    take: (state: ArrayBuffer) => T | Promise<T>,
    choose?: (memory: Uint8Array) => readonly number[],
  ): Promise<T> {
    try {
      for (;;) {
        await this.disk.flush();
        const state = await this.#pc.saveState(choose);
        // Something was written before it idled: that state belongs to a disk that is not stored yet.
        if (this.disk.flushed) return await take(state);
        void this.#pc.resume();
      }
    } finally {
      void this.#pc.resume();
    }
  }

  /** Saves the memory beside the overlay, for the next visit. @returns its size in bytes */
  async #store(): Promise<number> {
    const { state, generation } = await this.save();
    const bytes = state.byteLength;
    await storeState(overlayKey(this.#identity), {
      pc: pcWith(this.#kernel),
      generation,
      state,
      console: this.#shown.bytes,
    });
    return bytes;
  }

  /** The store failed: hold the guest, so that it neither times out nor piles up more. */
  stalled(error: StorageError): void {
    void this.#pc.pause();
    this.host.post({ type: "stalled", problem: error.problem, cause: causeText(error.cause) });
  }

  usageChanged(): void {
    if (this.#usageDue) return;
    this.#usageDue = true;
    setTimeout(() => this.#postUsage(), USAGE_EVERY_MS);
  }

  #postUsage(): void {
    this.#usageDue = false;
    this.host.post({ type: "usage", ...this.disk.usage });
  }

  #decide(decision: "retry" | "detach"): void {
    void this.#pc.resume();
    if (decision === "retry") this.disk.retry();
    else void this.disk.detach().then(() => this.#postUsage());
  }

  /** Has the router store what it holds in memory. Fails only with the boot. */
  async #sync(): Promise<void> {
    await this.#shell.exec("sync").catch(() => undefined);
  }

  /** A line looked like a kernel panic: believe it only when the guest is really dead. */
  async #checkPanic(): Promise<void> {
    if (this.#panicSuspected) return;
    this.#panicSuspected = true;
    const dead = await isPanic(this.#pc, this.#shell, this.#requests.commands > 0);
    this.#panicSuspected = false;
    if (dead) this.#end("panic");
  }

  #end(how: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#syncs?.end();
    const lastLines = this.#watch.lastLines;
    this.#shell.end(new MachineError("The router was switched off or restarted."));
    this.#network.destroy();
    void this.#handOver(how, lastLines);
  }

  /** The last message of a boot, after its last write; takes along what is stored nowhere. */
  async #handOver(how: Ending, lastLines: string[]): Promise<void> {
    await this.disk.flush();
    this.#postUsage();
    const memory = this.disk.usage.durability === "memory" ? await this.disk.snapshot() : undefined;
    this.disk.close();
    this.host.post({ type: "ended", how, lastLines, memory });
  }

  #fail(error: unknown): void {
    // A state that v86 cannot take fails before the router was let in.
    if (this.#held) return this.#unfit(error);
    if (this.#over) return;
    this.#over = true;
    this.#syncs?.end();
    this.#shell.end(new MachineError("The emulator stopped because of an internal error."));
    this.#network.destroy();
    this.host.post(failure(error, this.#watch.lastLines));
  }
}
