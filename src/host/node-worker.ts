/** What a machine's worker is in Node: the program behind `Machine`, on files and folders. */
import { setMaxListeners } from "node:events";
import { type MessagePort as NodePort, parentPort, workerData } from "node:worker_threads";
import { REAL_CLOCK } from "../common/clock.js";
import { nodeEndpoint } from "../common/endpoint.js";
import { caller } from "../common/rpc.js";
import { OverlayBusyError } from "../overlay/errors.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import { V86_DIRECTORY } from "../machine/assets.js";
import { ERRORS } from "../machine/error-codec.js";
import type { Lease, LeaseOptions, WorkerHost } from "../machine/host.js";
import { serveMachine } from "../machine/session.js";
import type { HostCalls, WorkerData } from "./node/host-calls.js";
import { firmwareOf } from "./node/machine-files.js";
import { deleteOverlay, openOverlay } from "./node/overlay-folder.js";

// As many connections and requests may wait for one end as there are; Node would warn of more than ten.
setMaxListeners(0);

const data = workerData as WorkerData;
const main = caller<HostCalls>(nodeEndpoint(data.host), ERRORS);
const overlays = data.overlays ?? "";

const host: WorkerHost = {
  clock: REAL_CLOCK,
  firmware: async (name) => firmwareOf(await main.call("firmware", name)),
  emulator: () => main.call("wasm", `${V86_DIRECTORY}/v86.wasm`),
  bios: () => main.call("bios"),
  wasm: (path) => main.call("wasm", path),
  overlays: {
    lease,
    open: (identity, chunkBytes) => openOverlay(overlays, identity, chunkBytes),
    async read(identity) {
      const store = await openOverlay(overlays, identity, CHUNK_BYTES);
      return store.snapshot().finally(() => store.close());
    },
    delete: (identity) => deleteOverlay(overlays, identity),
  },
};

/** Another program cannot be asked to let go: what is to be taken over is in use as well. */
async function lease(identity: OverlayIdentity, how: LeaseOptions): Promise<Lease> {
  const other = await main.call("lease", { identity, wait: how.patience });
  if (other) {
    throw new OverlayBusyError("in-use", other.holder);
  }
  return {
    release: () => void main.call("release").catch(() => undefined),
  };
}

serveMachine(nodeEndpoint(parentPort as NodePort), host);
