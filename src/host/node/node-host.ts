/** What a machine needs of a Node program: a thread for each power-on, files, and a folder of overlays. */
import { MessageChannel, Worker } from "node:worker_threads";
import { REAL_CLOCK } from "../../common/clock.js";
import { nodeEndpoint } from "../../common/endpoint.js";
import type { FirmwareSource } from "../../firmware/source.js";
import { MachineError } from "../../machine/errors.js";
import type { MachineHost, MachineWorker, StoredOverlays } from "../../machine/host.js";
import type { WorkerData } from "./host-calls.js";
import { firmwareOf, type MachineFiles } from "./machine-files.js";
import { storedOverlays } from "./overlay-folder.js";

import { serveWorker } from "./worker-services.js";

/** Set by the build to what lies beside its bundle. */
declare const WORKER_FILE: string | undefined;

const PROGRAM = typeof WORKER_FILE === "string" ? WORKER_FILE : "./source-worker.js";

export class NodeHost implements MachineHost {
  readonly clock = REAL_CLOCK;
  /** No other program can be asked anything. */
  readonly page = { title: "", path: "" };
  /** Nobody looks at it. */
  readonly visibility = new EventTarget();
  /** Memory is not kept here. */
  readonly preferences = { get: () => "off", set: () => undefined };
  /** What is in a folder stays there. */
  readonly persistence = {
    isPersisted: () => Promise.resolve(true),
    persist: () => Promise.resolve(true),
  };
  readonly overlays: StoredOverlays;
  readonly #files: MachineFiles;
  readonly #folder: string | undefined;
  readonly #modules = new Map<string, Promise<WebAssembly.Module>>();
  /** of every worker, until it has ended and nothing is leased for it */
  readonly #living = new Set<Promise<void>>();

  constructor(files: MachineFiles, folder: string | undefined) {
    this.#files = files;
    this.#folder = folder;
    this.overlays = storedOverlays(folder);
  }

  async firmware(name: string): Promise<FirmwareSource> {
    return firmwareOf(await this.#files.firmware(name));
  }

  spawn(): MachineWorker {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL(PROGRAM, import.meta.url), {
      name: "openwrt-playground",
      workerData: { host: port2, overlays: this.#folder } satisfies WorkerData,
      transferList: [port2],
      // What the program itself was started with (a test runner, a debugger) is not meant for this one.
      execArgv: [],
    });
    const services = serveWorker(port1, this.#files, (path) => this.#wasm(path), this.#folder);
    const ended = new Promise<void>((done) =>
      worker.once("exit", () => void services.end().then(done)),
    );
    this.#living.add(ended);
    void ended.then(() => this.#living.delete(ended));
    return {
      endpoint: nodeEndpoint(worker),
      onCrash(listener) {
        worker.on("error", (error) => listener(error.message));
        worker.on("exit", (code) => listener(`The worker ended with code ${code}.`));
      },
      terminate: () => void worker.terminate(),
    };
  }

  /** Resolves when no worker is left. */
  async idle(): Promise<void> {
    await Promise.all(this.#living);
  }

  #wasm(path: string): Promise<WebAssembly.Module> {
    const known = this.#modules.get(path);
    if (known) return known;
    const module = this.#compile(path);
    this.#modules.set(path, module);
    module.catch(() => this.#modules.delete(path));
    return module;
  }

  async #compile(path: string): Promise<WebAssembly.Module> {
    const bytes = await this.#files.read(path);
    return WebAssembly.compile(bytes).catch((cause: unknown) => {
      throw new MachineError(`The file ${path} is damaged. Build the package again.`, [], {
        cause,
      });
    });
  }
}
