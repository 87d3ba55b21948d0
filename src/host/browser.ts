/** A machine in a page: dedicated workers, Web Locks, IndexedDB, and the site's files. */
import { REAL_CLOCK } from "../common/clock.js";
import { webEndpoint } from "../common/endpoint.js";
import type {
  MachineHost,
  MachineWorker,
  Persistence,
  Preferences,
  StoredOverlays,
} from "../machine/host.js";
import { Machine as AnyMachine } from "../machine/machine.js";
import type { MachineOptions } from "../machine/machine-options.js";
import { thisPage } from "../overlay/tabs.js";
import { workerOf } from "./worker-script.js";

/** Set by the build to the worker's file name, which carries a digest of its content. */
declare const WORKER_FILE: string;

/** @param assets URL of the directory with the built files, ending in "/" */
export function browserHost(assets: URL): MachineHost {
  return {
    clock: REAL_CLOCK,
    spawn: () => spawn(assets),
    firmware: async (name, signal) =>
      (await import("../firmware/load.js")).Firmware.open(assets, name, signal),
    ...{ preferences, visibility, persistence, overlays },
    get page() {
      return thisPage();
    },
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
  const worker = workerOf(new URL(WORKER_FILE, assets), { name: assets.href });
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

class PageVisibility extends EventTarget {
  #isLeft = false;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => this.#tell(false));
    // The last that a page hears before it is closed, or put aside.
    window.addEventListener("pagehide", () => this.#tell(true));
    window.addEventListener("pageshow", () => this.#tell(false));
  }

  get isVisible(): boolean {
    return !this.#isLeft && document.visibilityState === "visible";
  }

  #tell(isLeft: boolean): void {
    this.#isLeft = isLeft;
    this.dispatchEvent(new Event("change"));
    this.#isLeft = false;
  }
}
const visibility = new PageVisibility();

const persistence: Persistence = {
  isPersisted: () => navigator.storage.persisted().catch(() => false),
  persist: () => navigator.storage.persist().catch(() => false),
};

/** Of no use to a page that only runs a router. */
const stored = async () => (await import("./stored-overlays.js")).storedOverlays;

const overlays: StoredOverlays = {
  look: async (identity) => (await stored()).look(identity),
  chunks: async (identity) => (await stored()).chunks(identity),
  replace: async (identity, chunks) => (await stored()).replace(identity, chunks),
};
