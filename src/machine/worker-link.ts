/** The page's end of a machine's worker: one object from power-on to the end of that boot. */
import { StorageError } from "../disk/errors.js";
import type { Durability } from "../disk/chunk-store.js";
import type { BootStage } from "./boot-watch.js";
import { deferred } from "../disk/deferred.js";
import { MachineError } from "./errors.js";
import type { Chunks, Ending, FromWorker, StartMessage, ToWorker } from "./messages.js";
import type { ExecOptions, ExecResult } from "./shell.js";

export interface LinkEvents {
  stage(stage: BootStage): void;
  output(bytes: Uint8Array<ArrayBuffer>): void;
  usage(usage: { bytes: number; chunks: number; durability: Durability }): void;
  stalled(error: StorageError): void;
}

export interface Ended {
  readonly how: Ending;
  readonly lastLines: readonly string[];
  /** changes that are stored nowhere */
  readonly memory: Chunks | undefined;
}

interface Pending {
  resolve(answer: ExecResult | Chunks): void;
  reject(error: Error): void;
}

export class WorkerLink {
  readonly #worker: Worker;
  readonly #on: LinkEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #shell = deferred();
  readonly #ended = deferred<Ended>();
  #nextId = 1;
  #over = false;

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

  /** Sends a question under a new number; settles with its answer, or rejects when the signal aborts. */
  #ask(ask: (id: number) => void, signal?: AbortSignal): Promise<ExecResult | Chunks> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
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

  #post(message: ToWorker): void {
    if (!this.#over) this.#worker.postMessage(message);
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
        return this.#pending.get(message.id)?.reject(refusal(message.name, message.message));
      case "stalled":
        return this.#on.stalled(new StorageError(message.problem, { cause: message.cause }));
      case "ended":
        this.#ended.resolve(message);
        return this.#close(new MachineError("The router was switched off or restarted."));
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
    this.#over = true;
    this.#worker.terminate();
    this.#shell.reject(reason);
    this.#ended.reject(reason);
    for (const pending of [...this.#pending.values()]) pending.reject(reason);
  }
}

function refusal(name: string, message: string): Error {
  return name === "TimeoutError" || name === "AbortError"
    ? new DOMException(message, name)
    : new MachineError(message);
}
