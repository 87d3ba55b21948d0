/** The page's end of a machine's worker: one object from power-on to the end of that boot. */
import { StorageError } from "../disk/errors.js";
import type { Chunks, Durability } from "../disk/chunk-store.js";
import type { BootStage } from "./boot-watch.js";
import { deferred } from "../common/deferred.js";
import { NetworkError } from "../network/errors.js";
import { type Failure, toError } from "../network/failure.js";
import type { ByteStream } from "../network/byte-stream.js";
import type { HttpExchange } from "../network/http-message.js";
import type { ConnectOptions, LanStatus } from "../network/lan-host.js";
import {
  openByteStream,
  type PortByteStream,
  receiveStream,
  sendStream,
} from "../network/port-stream.js";
import { MachineError, UnfitStateError } from "./errors.js";
import type { Ending, FromWorker, StartMessage, ToWorker } from "./messages.js";
import type { ExecOptions, ExecResult } from "./shell.js";

export interface LinkEvents {
  stage(stage: BootStage): void;
  output(bytes: Uint8Array<ArrayBuffer>): void;
  usage(usage: { bytes: number; chunks: number; durability: Durability }): void;
  stalled(error: StorageError): void;
  network(status: LanStatus): void;
  memory(bytes: number): void;
}

export interface Ended {
  readonly how: Ending;
  readonly lastLines: readonly string[];
  /** changes that are stored nowhere */
  readonly memory: Chunks | undefined;
}

/** What a question to the worker is answered with. */
type Answer = ExecResult | Chunks | ResponseMessage | undefined;
type ResponseMessage = FromWorker & { type: "response" };

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class WorkerLink {
  readonly #worker: Worker;
  readonly #on: LinkEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #shell = deferred();
  readonly #ended = deferred<Ended>();
  /** streams whose other end is the worker, and ends with it */
  readonly #streams = new Set<{ fail(error: Error): void }>();
  #nextId = 1;
  /** why there is no worker any more */
  #over: Error | undefined;

  /** Resolves when the router's shell answers; rejects when it never will. */
  readonly shell: Promise<void> = this.#shell.promise;
  /** Resolves when this boot ended; rejects when the worker failed or was terminated. */
  readonly ended: Promise<Ended> = this.#ended.promise;

  constructor(url: URL, start: StartMessage, on: LinkEvents) {
    this.#on = on;
    this.#worker = new Worker(url, { type: "module", name: "OpenWrt Playground machine" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#close(
        new MachineError(
          "The emulator could not be started or crashed. Reload the page; what the router saved is kept.",
          event.message ? [event.message] : [],
        ),
      );
    };
    this.#post({ type: "start", ...start });
  }

  input(bytes: Uint8Array<ArrayBuffer>): void {
    this.#post({ type: "input", bytes });
  }

  async exec(command: string, { signal, stdin, timeout }: ExecOptions): Promise<ExecResult> {
    const ask = (id: number) => this.#post({ type: "exec", id, command, stdin, timeout });
    return (await this.#ask(ask, signal)) as ExecResult;
  }

  /** All chunks of the user's layer as they are now, those that could not be stored included. */
  async snapshot(): Promise<Chunks> {
    return (await this.#ask((id) => this.#post({ type: "snapshot", id }))) as Chunks;
  }

  /** Saves the memory beside the overlay, if it is kept. */
  async save(): Promise<void> {
    await this.#ask((id) => this.#post({ type: "save", id }));
  }

  /** The page is hidden. */
  hidden(): void {
    this.#post({ type: "hidden" });
  }

  keepMemory(keep: boolean): void {
    this.#post({ type: "keepMemory", keep });
  }

  /** Plugs the WAN cable in, or pulls it. */
  async plugWan(plugged: boolean): Promise<void> {
    await this.#ask((id) => this.#post({ type: "wan", id, plugged }));
  }

  /** @throws {NetworkError} or the signal's reason */
  async connect(port: number, { signal, timeout }: ConnectOptions): Promise<ByteStream> {
    const channel = new MessageChannel();
    const stream = openByteStream(channel.port1);
    const { port2 } = channel;
    try {
      await this.#ask(
        (id) => this.#post({ type: "connect", id, port, timeout, stream: port2 }, [port2]),
        signal,
      );
    } catch (cause) {
      const error = this.#lost(cause);
      stream.fail(error);
      throw error;
    }
    return this.#owned(stream);
  }

  /** @throws {NetworkError} or the signal's reason */
  readonly exchange: HttpExchange = async ({ body, ...request }, signal) => {
    signal.throwIfAborted();
    const answer = new MessageChannel();
    const upload = body instanceof ReadableStream ? new MessageChannel() : undefined;
    const received = this.#owned(receiveStream(answer.port1));
    const sent = upload ? upload.port2 : (body as Uint8Array<ArrayBuffer> | null);
    const ports = upload ? [answer.port2, upload.port2] : [answer.port2];
    const giveUp = new AbortController();
    if (upload)
      sendStream(
        upload.port1,
        body as ReadableStream<Uint8Array<ArrayBuffer>>,
        giveUp.signal,
      ).catch(() => undefined);
    let number = 0;
    try {
      const { status, statusText, headers, hasBody } = (await this.#ask((id) => {
        number = id;
        this.#post({ type: "http", id, request, body: sent, answer: answer.port2 }, ports);
      }, signal)) as ResponseMessage;
      const abort = () => {
        this.#post({ type: "cancel", id: number });
        received.fail(signal.reason as Error);
      };
      signal.addEventListener("abort", abort, { once: true });
      void received.closed.then(() => signal.removeEventListener("abort", abort));
      if (!hasBody) received.fail(new NetworkError("reset"));
      return { status, statusText, headers, body: hasBody ? received.readable : null };
    } catch (cause) {
      const error = this.#lost(cause);
      giveUp.abort(error);
      received.fail(error);
      throw error;
    }
  };

  /** To whoever uses the network, the end of the worker is a router that is off. */
  #lost(error: unknown): Error {
    return error === this.#over ? new NetworkError("off", "", { cause: error }) : (error as Error);
  }

  /** A stream that ends with the worker. */
  #owned<Stream extends Omit<PortByteStream, "writable">>(stream: Stream): Stream {
    this.#streams.add(stream);
    void stream.closed.then(() => this.#streams.delete(stream));
    if (this.#over) stream.fail(this.#lost(this.#over));
    return stream;
  }

  /** Sends a question under a new number; settles with its answer, or rejects when the signal aborts. */
  #ask(ask: (id: number) => void, signal?: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#over) throw this.#over;
      const id = this.#nextId++;
      const abort = () => {
        this.#post({ type: "cancel", id });
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const done = () => {
        signal?.removeEventListener("abort", abort);
        this.#pending.delete(id);
      };
      this.#pending.set(id, {
        resolve: (answer) => (done(), resolve(answer)),
        reject: (error) => (done(), reject(error)),
      });
      ask(id);
    });
  }

  decide(decision: "retry" | "detach"): void {
    this.#post({ type: "decide", decision });
  }

  /** Asks the worker to finish its writes and end; {@link ended} follows. */
  stop(): void {
    this.#post({ type: "stop" });
  }

  /** Ends the worker at once. A write under way may or may not be stored, as with a pulled plug. */
  terminate(reason: Error): void {
    this.#close(reason);
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    if (!this.#over) this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    if (this.#over) return;
    switch (message.type) {
      case "stage":
        return this.#on.stage(message.stage);
      case "output":
        return this.#on.output(message.bytes);
      case "usage":
        return this.#on.usage(message);
      case "shell":
        return this.#shell.resolve();
      case "result":
        return this.#pending.get(message.id)?.resolve(message.result);
      case "chunks":
        return this.#pending.get(message.id)?.resolve(message.chunks);
      case "refused":
        return this.#pending.get(message.id)?.reject(refusal(message.failure));
      case "connected":
        return this.#pending.get(message.id)?.resolve(undefined);
      case "response":
        return this.#pending.get(message.id)?.resolve(message);
      case "network":
        return this.#on.network(message.status);
      case "memory":
        return this.#on.memory(message.bytes);
      case "stalled":
        return this.#on.stalled(new StorageError(message.problem, { cause: message.cause }));
      case "ended":
        this.#ended.resolve(message);
        return this.#close(new MachineError("The router was switched off or restarted."));
      case "unfit":
        return this.#close(new UnfitStateError(message.message));
      case "saved":
        return this.#pending.get(message.id)?.resolve(undefined);
      case "failed":
        return this.#close(
          message.problem
            ? new StorageError(message.problem, { cause: message.message })
            : new MachineError(
                "The emulator stopped because of an internal error. Start the router again; what it saved is kept.",
                [...message.lastLines, message.message],
              ),
        );
    }
  }

  #close(reason: Error): void {
    if (this.#over) return;
    this.#over = reason;
    this.#worker.terminate();
    this.#shell.reject(reason);
    this.#ended.reject(reason);
    for (const pending of [...this.#pending.values()]) pending.reject(reason);
    for (const stream of this.#streams) stream.fail(this.#lost(reason));
    this.#streams.clear();
  }
}

function refusal(failure: Failure): Error {
  const error = toError(failure);
  return error instanceof NetworkError || error instanceof DOMException
    ? error
    : new MachineError(error.message);
}
