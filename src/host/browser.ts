/** A machine in a page: dedicated workers, Web Locks, IndexedDB, and the site's files. */
import { REAL_CLOCK } from "../common/clock.js";
import { webEndpoint } from "../common/endpoint.js";
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { lockOverlay } from "../disk/lock.js";
import { openOverlayStore, type OverlayIdentity, overlayKey } from "../disk/overlay-store.js";
import { Firmware } from "../firmware/load.js";
import type {
  MachineHost,
  MachineWorker,
  Neighbours,
  Persistence,
  Preferences,
  StoredOverlays,
} from "../machine/host.js";
import { Machine as AnyMachine } from "../machine/machine.js";
import type { MachineOptions } from "../machine/machine-options.js";
import { savedStateHeader } from "../snapshot/saved-state.js";
import { answerTabs } from "./tabs.js";

/** Set by the build to the worker's file name, which carries a digest of its content. */
declare const WORKER_FILE: string;

/** How long to wait for an overlay whose page was closed or reloaded just now, in milliseconds. */
const LOCK_MS = 2000;

/** @param assets URL of the directory with the built files, ending in "/" */
export function browserHost(assets: URL): MachineHost {
  return {
    clock: REAL_CLOCK,
    spawn: () => spawn(assets),
    firmware: (name, signal) => Firmware.open(assets, name, signal),
    ...{ preferences, visibility, persistence, neighbours, overlays },
  };
}

export interface BrowserMachineOptions extends MachineOptions {
  /** URL of the directory with the built files, ending in "/" */
  readonly assets: URL | string;
}

/** The machine, in this page. */
export class Machine extends AnyMachine {
  /** @throws {MachineError} a name with characters that names may not have */
  constructor({ assets, ...options }: BrowserMachineOptions) {
    super(options, browserHost(new URL(assets)));
  }
}

function spawn(assets: URL): MachineWorker {
  // The worker finds the files by its name.
  const worker = new Worker(new URL(WORKER_FILE, assets), { type: "module", name: assets.href });
  return {
    endpoint: webEndpoint(worker),
    onCrash: (listener) =>
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        listener(event.message);
      }),
    terminate: () => worker.terminate(),
  };
}

const preferences: Preferences = {
  get(key) {
    try {
      return localStorage.getItem(key) ?? undefined;
    } catch {
      // A site that may not store anything keeps no memory either.
      return "off";
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // As above.
    }
  },
};

/** "hidden" is also the last that a page hears before it is closed. */
const visibility = new EventTarget();
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") visibility.dispatchEvent(new Event("hidden"));
});
window.addEventListener("pagehide", () => visibility.dispatchEvent(new Event("hidden")));

const persistence: Persistence = {
  isPersisted: () => navigator.storage.persisted().catch(() => false),
  persist: () => navigator.storage.persist().catch(() => false),
};

const neighbours: Neighbours = {
  answer: (key, onYield, signal) =>
    answerTabs(key, () => onYield({ yielding: () => undefined, refused: () => undefined }), signal),
};

const overlays: StoredOverlays = {
  look: (identity) =>
    withStore(identity, async (store) => ({
      chunks: (await store.indexes()).length,
      memoryBytes: (await savedStateHeader(identity))?.bytes ?? 0,
    })),
  chunks: (identity) => withStore(identity, (store) => store.snapshot()),
  async replace(identity, chunks) {
    const lock = await lockOverlay(overlayKey(identity), LOCK_MS);
    try {
      await withStore(identity, (store) => store.replace(chunks));
    } finally {
      lock.release();
    }
  },
};

async function withStore<T>(
  identity: OverlayIdentity,
  work: (store: ChunkStore) => Promise<T>,
): Promise<T> {
  const store = await openOverlayStore(identity, CHUNK_BYTES);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
