/**
 * What a machine needs of the place it runs in: a page (src/host/browser.ts) or Node (src/host/node.ts). It is handed
 * in, so that everything in this folder can be tested without either.
 */
import type { Clock } from "../common/clock.js";
import type { Endpoint } from "../common/endpoint.js";
import type { Chunks, ChunkStore } from "../disk/chunk-store.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import type { FirmwareSource } from "../firmware/source.js";
import type { PageDescription, RefusalReason } from "../overlay/tabs.js";
import type { MemoryStore } from "../snapshot/memory-store.js";
import type { Bios } from "./assets.js";

/** The page's side. */
export interface MachineHost {
  readonly clock: Clock;
  /** Starts a worker that serves machine/session.ts. */
  spawn(): MachineWorker;
  firmware(name: string, signal?: AbortSignal): Promise<FirmwareSource>;
  readonly preferences: Preferences;
  /** Its event "change": the page is looked at now, or is no more, and may be closed without another word. */
  readonly visibility: EventTarget & { readonly isVisible: boolean };
  readonly persistence: Persistence;
  /** where machines run, for another tab that looks for a router */
  readonly page: PageDescription;
  readonly overlays: StoredOverlays;
}

export interface MachineWorker {
  readonly endpoint: Endpoint;
  /** Called when it cannot be started or has crashed, with what is known of the cause. */
  onCrash(listener: (cause: string) => void): void;
  /** Ends it at once. What it holds, its overlay above all, is free then. */
  terminate(): void;
}

/** Small settings for all routers of the origin. */
export interface Preferences {
  /** @returns `undefined` when it was never set, or nothing can be stored */
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

export interface Persistence {
  /** Whether the browser promised not to evict this origin's data. */
  isPersisted(): Promise<boolean>;
  /** Asks for that promise. @returns whether it is given */
  persist(): Promise<boolean>;
}

/** What is done to a stored overlay that no machine runs. */
export interface StoredOverlays {
  /** Counts what is stored. @throws {StorageError} it cannot be read */
  look(
    identity: OverlayIdentity,
  ): Promise<{ readonly chunks: number; readonly memoryBytes: number }>;
  /** @throws {StorageError} it cannot be read */
  chunks(identity: OverlayIdentity): Promise<Chunks>;
  /** Stores these in place of all others. @throws {StorageError} nothing was changed; `in-use` among others */
  replace(identity: OverlayIdentity, chunks: Chunks): Promise<void>;
}

/** The worker's side. */
export interface WorkerHost {
  readonly clock: Clock;
  firmware(name: string): Promise<FirmwareSource>;
  /** v86.wasm, compiled. @throws {MachineError} it is missing or damaged */
  readonly emulator: () => Promise<WebAssembly.Module>;
  readonly bios: () => Promise<Bios>;
  /** @param path below the directory with the built files */
  wasm(path: string): Promise<WebAssembly.Module>;
  readonly overlays: OverlayAccess;
}

export interface OverlayAccess {
  /**
   * Holds an overlay as its only writer, as long as this worker lives or until it is released.
   *
   * @throws {OverlayBusyError} another one has it, and keeps it
   * @throws {StorageError} `unavailable`
   */
  lease(identity: OverlayIdentity, how: LeaseOptions): Promise<Lease>;
  /** @throws {StorageError} it cannot be read */
  open(identity: OverlayIdentity, chunkBytes: number): Promise<ChunkStore>;
  /**
   * What is stored at this moment, for who does not write it and holds no lease.
   *
   * @throws {StorageError} it cannot be read
   */
  read(identity: OverlayIdentity): Promise<Chunks>;
  /** @throws {StorageError} it is still there */
  delete(identity: OverlayIdentity): Promise<void>;
  /** Where the memory of this overlay's router is kept; where this is not given, none is. */
  memory?(identity: OverlayIdentity): MemoryStore;
}

export interface LeaseOptions {
  /** where the overlay is used, told to other tabs */
  readonly page: PageDescription;
  /** ask another holder to let go */
  readonly takeOver: boolean;
  /** how long a holder that is not asked may take to let go, in milliseconds */
  readonly patience: number;
  /** another tab asks for the overlay: it is let go of in its time, or the reason why not is returned */
  readonly onYield: () => RefusalReason | undefined;
}

export interface Lease {
  /** The overlay is open, and in today's format. */
  opened?(): void;
  release(): void;
}
