/// <reference lib="dom" preserve="true" />
/**
 * A machine in a Node program: worker threads, and files and folders. What `openwrt-playground/node` exports.
 *
 * A program with a running machine lives until the machine is destroyed.
 */
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { REAL_CLOCK } from "../common/clock.js";
import { nodeEndpoint } from "../common/endpoint.js";
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import type { OverlayIdentity } from "../disk/overlay-store.js";
import { MachineError } from "../machine/errors.js";
import type { MachineHost, MachineWorker, StoredOverlays } from "../machine/host.js";
import { Machine as AnyMachine } from "../machine/machine.js";
import type { MachineOptions } from "../machine/machine-options.js";
import { toStorageError } from "./node/files.js";
import type { WorkerData } from "./node/host-calls.js";
import { inUse, leaseFolder } from "./node/lease.js";
import { builtFiles, firmwareOf, type MachineFiles } from "./node/machine-files.js";
import { folderOfOverlay, openOverlay } from "./node/overlay-folder.js";
import { serveWorker } from "./node/worker-services.js";

export { StorageError, type StorageProblem } from "../disk/errors.js";
export { FirmwareError } from "../firmware/errors.js";
export { NetworkError } from "../network/errors.js";
export { MachineError } from "../machine/errors.js";

/** Both set by the build, seen from its own folder. */
declare const WORKER_FILE: string | undefined;
declare const BUILT_FILES: string | undefined;

const PROGRAM = typeof WORKER_FILE === "string" ? WORKER_FILE : "./node/source-worker.js";
const PLAYGROUND = typeof BUILT_FILES === "string" ? BUILT_FILES : "../../dist/playground/";
/** How long to wait for an overlay that is to be replaced, in milliseconds. */
const LEASE_MS = 2000;

export interface NodeMachineOptions extends MachineOptions {
  /**
   * Name of the overlay in the folder `overlays`; `null` keeps all changes in memory, as long as the machine is not
   * destroyed. Default `null`.
   */
  readonly overlay?: string | null;
  /** Folder in which overlays are stored, made when it does not exist: a path, or a file: URL. */
  readonly overlays?: string | URL;
  /**
   * Folder with `kernels/`, `images/` and the emulator, as `npm run build` makes `dist/playground/`: a path, or a file:
   * URL. Default: the package's own.
   */
  readonly assets?: string | URL | MachineFiles;
}

/** The machine, in this program. */
export class Machine extends AnyMachine {
  readonly #host: NodeHost;

  constructor(options: MachineOptions, host: NodeHost) {
    super(options, host);
    this.#host = host;
  }

  /** Ends the machine for good, at once. What was saved stays. @returns when nothing of it lives any more */
  override async destroy(): Promise<void> {
    await super.destroy();
    await this.#host.idle();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy();
  }
}

/**
 * Makes a machine, which is off; `start()` switches it on.
 *
 * @throws {MachineError} a name with characters that names may not have, or an overlay and no folder for it
 * @throws {FirmwareError} there is no such firmware, or its description cannot be used
 */
export async function createMachine(options: NodeMachineOptions): Promise<Machine> {
  const { firmware, overlay = null, overlays, assets } = options;
  if (overlay !== null && overlays === undefined)
    throw new MachineError(
      `The overlay "${overlay}" has no folder to be stored in: say one in "overlays", or leave "overlay" out to save nothing.`,
    );
  const files =
    typeof assets === "object" && "firmware" in assets
      ? assets
      : builtFiles(pathOf(assets ?? new URL(PLAYGROUND, import.meta.url)));
  const host = new NodeHost(files, overlays === undefined ? undefined : pathOf(overlays));
  const machine = new Machine({ firmware, overlay }, host);
  // A name that is wrong is to be known here, not at the start.
  await host.firmware(firmware);
  return machine;
}

class NodeHost implements MachineHost {
  readonly clock = REAL_CLOCK;
  /** Nobody looks at it, and no other program can be asked anything. */
  readonly visibility = new EventTarget();
  readonly neighbours = { answer: () => undefined };
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

  async firmware(name: string) {
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

/** What is done to overlays in a folder that no machine of this program runs. */
function storedOverlays(folder: string | undefined): StoredOverlays {
  async function withStore<T>(
    identity: OverlayIdentity,
    work: (store: ChunkStore, folder: string) => Promise<T>,
  ): Promise<T> {
    if (folder === undefined) throw new StorageError("unavailable");
    const store = await openOverlay(folder, identity, CHUNK_BYTES);
    try {
      return await work(store, folder);
    } finally {
      store.close();
    }
  }

  return {
    look: (identity) =>
      withStore(identity, async (store) => ({
        chunks: (await store.indexes()).length,
        memoryBytes: 0,
      })),
    chunks: (identity) => withStore(identity, (store) => store.snapshot()),
    async replace(identity, chunks) {
      if (folder === undefined) throw new StorageError("unavailable");
      const lease = await leaseFolder(folderOfOverlay(folder, identity), { wait: LEASE_MS }).catch(
        (error: unknown) => {
          throw toStorageError(error);
        },
      );
      if (!("release" in lease)) throw new StorageError("in-use", { cause: inUse(lease) });
      try {
        await withStore(identity, (store) => store.replace(chunks));
      } finally {
        await lease.release();
      }
    },
  };
}

function pathOf(folder: string | URL): string {
  return resolve(
    folder instanceof URL || folder.startsWith("file:") ? fileURLToPath(folder) : folder,
  );
}
