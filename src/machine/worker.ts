/**
 * A machine's worker: the emulator, its disk and its consoles. The page never waits on any of them; all it does
 * is exchange the messages of messages.ts.
 */
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import { ImageLayer } from "../disk/image-layer.js";
import { LayeredDisk } from "../disk/layered-disk.js";
import { memoryChunkStore } from "../disk/memory-chunk-store.js";
import { deleteOverlay, openOverlayStore } from "../disk/overlay-store.js";
import { toFailure } from "../network/failure.js";
import { receiveStream, sendStream, serveByteStream } from "../network/port-stream.js";
import { ConsoleWatch } from "./boot-watch.js";
import { MachineError } from "./errors.js";
import type { Ending, FromWorker, StartMessage, ToWorker } from "./messages.js";
import { isPanic } from "./panic.js";
import { RouterNetwork } from "./router-network.js";
import { RouterShell } from "./shell.js";
import { Pc } from "./v86.js";

const USAGE_EVERY_MS = 250;

/**
 * True when the first boot's configuration exists (OpenWrt's /bin/config_generate makes it; other roots have none to
 * wait for) and the router has taken its name from it.
 */
const CONFIGURED =
  "{ [ ! -x /bin/config_generate ] || [ -s /etc/config/system ]; } && " +
  "read -r name </proc/sys/kernel/hostname && [ \"$name\" != '(none)' ]";
const CONFIG_POLL_MS = 250;
const CONFIG_WAIT_MS = 60_000;

interface WorkerScope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}
const scope = globalThis as unknown as WorkerScope;

let boot: Boot | undefined;

scope.onmessage = ({ data }) => {
  if (data.type === "start") {
    Boot.start(data).then((started) => (boot = started), fail);
    return;
  }
  boot?.receive(data);
};

function post(message: FromWorker, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

function fail(error: unknown, lastLines: string[] = []): void {
  const problem = error instanceof StorageError ? error.problem : undefined;
  const message = error instanceof Error ? error.message : String(error);
  post({ type: "failed", problem, message, lastLines });
}

function causeText(cause: unknown): string {
  return cause instanceof Error || cause instanceof DOMException
    ? `${cause.name}: ${cause.message}`
    : typeof cause === "string"
      ? cause
      : "";
}

/** The chunk store of a boot; without saving, a copy in memory of what is stored at this moment. */
async function openStore(message: StartMessage): Promise<ChunkStore> {
  const { overlay, firmware, diskBytes, saving, memory } = message;
  if (memory || overlay === undefined) {
    const store = memoryChunkStore();
    if (memory) await store.commit(memory);
    return store;
  }
  const identity = { overlay, firmware, diskBytes };
  const stored = await openOverlayStore(identity, CHUNK_BYTES).catch(async (error: unknown) => {
    // The person asked to drop what is stored: that must work when it is damaged, above all.
    const damaged = error instanceof StorageError && error.problem === "damaged";
    if (!message.reset || !damaged) throw error;
    await deleteOverlay(identity);
    return openOverlayStore(identity, CHUNK_BYTES);
  });
  if (saving) return stored;
  const copy = memoryChunkStore();
  await copy.replace(await stored.snapshot());
  stored.close();
  return copy;
}

/** One power-on. */
class Boot {
  readonly #pc: Pc;
  readonly #shell: RouterShell;
  readonly #network: RouterNetwork;
  readonly #watch: ConsoleWatch;
  readonly #running = new Map<number, AbortController>();
  /** commands that are under way or wait */
  #commands = 0;
  #usageDue = false;
  #panicSuspected = false;
  #over = false;

  private constructor(
    message: StartMessage,
    private readonly disk: LayeredDisk,
  ) {
    const encoder = new TextEncoder();
    this.#watch = new ConsoleWatch({
      onStage: (stage) => post({ type: "stage", stage }),
      onPanicLine: () => void this.#checkPanic(),
    });
    this.#shell = new RouterShell((text) => this.#pc.sendConsole(encoder.encode(text)));
    this.#pc = new Pc({
      ...message,
      disk,
      on: {
        serial: (bytes) => {
          this.#watch.receive(bytes);
          post({ type: "output", bytes }, [bytes.buffer]);
        },
        console: (bytes) => this.#shell.receive(bytes),
        frame: (card, frame) => this.#network.receive(card, frame),
        reboot: () => this.#end(this.#panicSuspected ? "panic" : "reboot"),
        halt: () => this.#end("halt"),
        error: (error) => this.#fail(error),
      },
    });
    this.#network = new RouterNetwork({
      assets: message.assets,
      pc: this.#pc,
      shell: this.#shell,
      onStatus: (status) => post({ type: "network", status }),
    });
    if (message.wan) void this.#network.plugWan(true).catch(() => undefined);
    this.#shellReady().then(
      () => {
        post({ type: "shell" });
        this.#network.begin();
      },
      () => undefined,
    );
    this.#postUsage();
  }

  static async start(message: StartMessage): Promise<Boot> {
    const { diskBytes } = message;
    const store = await openStore(message);
    if (message.reset) await store.clear();
    const disk = await LayeredDisk.open({
      base: new ImageLayer(new Uint8Array(message.root), diskBytes),
      store,
      chunkBytes: CHUNK_BYTES,
      onStall: (error) => boot?.stalled(error),
      onCommit: () => boot?.usageChanged(),
    });
    return new Boot(message, disk);
  }

  receive(message: Exclude<ToWorker, { type: "start" }>): void {
    switch (message.type) {
      case "input":
        return this.#pc.sendSerial(message.bytes);
      case "exec":
        return void this.#exec(message);
      case "connect":
        return void this.#connect(message);
      case "http":
        return void this.#http(message);
      case "wan":
        return void this.#answer(message.id, () => this.#plugWan(message));
      case "cancel":
        return this.#running.get(message.id)?.abort();
      case "snapshot":
        return void this.#answer(message.id, async () => {
          const chunks = await this.disk.snapshot();
          post({ type: "chunks", id: message.id, chunks });
        });
      case "decide":
        return this.#decide(message.decision);
      case "stop":
        return void this.#pc.pause().then(() => this.#end("stopped"));
    }
  }

  /**
   * OpenWrt starts its consoles while it still writes its first configuration: a shell that finds no /etc/config/system
   * yet is of no use to anybody, so that moment is waited for.
   */
  async #shellReady(): Promise<void> {
    await this.#shell.connect();
    const giveUp = performance.now() + CONFIG_WAIT_MS;
    while (performance.now() < giveUp) {
      const { exitCode } = await this.#shell.exec(CONFIGURED);
      if (exitCode === 0) return;
      await new Promise((resolve) => setTimeout(resolve, CONFIG_POLL_MS));
    }
  }

  /** The store failed: hold the guest, so that it neither times out nor piles up more. */
  stalled(error: StorageError): void {
    void this.#pc.pause();
    post({ type: "stalled", problem: error.problem, cause: causeText(error.cause) });
  }

  usageChanged(): void {
    if (this.#usageDue) return;
    this.#usageDue = true;
    setTimeout(() => this.#postUsage(), USAGE_EVERY_MS);
  }

  #postUsage(): void {
    this.#usageDue = false;
    post({ type: "usage", ...this.disk.usage });
  }

  #decide(decision: "retry" | "detach"): void {
    void this.#pc.resume();
    if (decision === "retry") this.disk.retry();
    else void this.disk.detach().then(() => this.#postUsage());
  }

  async #exec({ id, command, stdin, timeout }: ToWorker & { type: "exec" }): Promise<void> {
    this.#commands++;
    await this.#cancellable(id, async (signal) => {
      const result = await this.#shell.exec(command, { stdin, timeout, signal });
      post({ type: "result", id, result });
    });
    this.#commands--;
  }

  async #connect({ id, port, timeout, stream }: ToWorker & { type: "connect" }): Promise<void> {
    await this.#cancellable(id, async (signal) => {
      const connection = await this.#network.connect(port, signal, timeout);
      serveByteStream(stream, connection);
      post({ type: "connected", id });
    });
  }

  async #plugWan({ id, plugged }: ToWorker & { type: "wan" }): Promise<void> {
    await this.#network.plugWan(plugged);
    post({ type: "connected", id });
  }

  async #http({ id, request, body, answer }: ToWorker & { type: "http" }): Promise<void> {
    await this.#cancellable(id, async (signal) => {
      const sent = body instanceof MessagePort ? receiveStream(body).readable : body;
      const response = await this.#network.exchange({ ...request, body: sent }, signal);
      const { status, statusText, headers } = response;
      post({ type: "response", id, status, statusText, headers, hasBody: response.body !== null });
      // Until its last byte it can be given up.
      if (response.body) await sendStream(answer, response.body, signal).catch(() => undefined);
      else answer.close();
    });
  }

  /** Does what was asked for under a number, until it is done or `cancel` comes. */
  async #cancellable(id: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const cancel = new AbortController();
    this.#running.set(id, cancel);
    await this.#answer(id, () => work(cancel.signal));
    this.#running.delete(id);
  }

  /** Does what was asked for under a number; a failure is the answer then. */
  async #answer(id: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      post({ type: "refused", id, failure: toFailure(error) });
    }
  }

  /** A line looked like a kernel panic: believe it only when the guest is really dead. */
  async #checkPanic(): Promise<void> {
    if (this.#panicSuspected) return;
    this.#panicSuspected = true;
    const dead = await isPanic(this.#pc, this.#shell, this.#commands > 0);
    this.#panicSuspected = false;
    if (dead) this.#end("panic");
  }

  #end(how: Ending): void {
    if (this.#over) return;
    this.#over = true;
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
    post({ type: "ended", how, lastLines, memory });
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#shell.end(new MachineError("The emulator stopped because of an internal error."));
    this.#network.destroy();
    fail(error, this.#watch.lastLines);
  }
}
