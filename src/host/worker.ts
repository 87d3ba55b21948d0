/** What a machine's worker is in a page: the program behind `Machine`, on this browser's storage and this site's files. */
import "../common/dispose.js";
import { REAL_CLOCK } from "../common/clock.js";
import { webEndpoint } from "../common/endpoint.js";
import { Firmware } from "../firmware/load.js";
import { fetchWasm, loadBios, loadEmulator } from "../machine/assets.js";
import type { WorkerHost } from "../machine/host.js";
import { serveMachine } from "../machine/session.js";
import { overlayKey } from "../overlay/identity.js";
import { takeLease } from "../overlay/lease.js";
import { deleteOverlay, openOverlayStore } from "../overlay/overlay-store.js";
import { storedChunks } from "./stored-chunks.js";
import { trustNestedWorkers } from "./worker-script.js";
import { indexedDbMemory } from "../snapshot/indexeddb-memory.js";

const scope = globalThis as unknown as Parameters<typeof webEndpoint>[0] & {
  readonly name: string;
};

/** The page names the worker by the directory with the built files. */
const assets = new URL(scope.name);

const host: WorkerHost = {
  clock: REAL_CLOCK,
  firmware: (name) => Firmware.open(assets, name),
  emulator: () => loadEmulator(assets),
  bios: () => loadBios(assets),
  wasm: (path) => fetchWasm(new URL(path, assets)),
  overlays: {
    async lease(identity, options) {
      const lease = await takeLease(identity, options);
      return { release: () => lease.release(), opened: () => lease.releaseFormer() };
    },
    open: openOverlayStore,
    read: storedChunks,
    delete: deleteOverlay,
    memory: (identity) => indexedDbMemory(overlayKey(identity)),
  },
};

trustNestedWorkers();
serveMachine(webEndpoint(scope), host);
