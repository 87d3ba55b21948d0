/** What a machine's worker is in Node: the program behind `Machine`, on files and folders. */
import { setMaxListeners } from "node:events";
import { type MessagePort as NodePort, parentPort, workerData } from "node:worker_threads";
import { REAL_CLOCK } from "../common/clock.js";
import { Remote } from "../common/rpc.js";
import { StorageError } from "../disk/errors.js";
import { type OverlayIdentity, overlayKey } from "../disk/overlay-store.js";
import { V86_DIRECTORY } from "../machine/assets.js";
import { ERRORS } from "../machine/error-codec.js";
import type { Lease, LeaseOptions, WorkerHost } from "../machine/host.js";
import { serveMachine } from "../machine/session.js";
import type { HostCalls, HostEvents, WorkerData } from "./node/host-calls.js";
import { inUse } from "./node/lease.js";
import { firmwareOf } from "./node/machine-files.js";
import { deleteOverlay, openOverlay } from "./node/overlay-folder.js";
import { portEndpoint } from "./node/port-endpoint.js";

// As many connections and requests may wait for one end as there are; Node would warn of more than ten.
setMaxListeners(0);

const data = workerData as WorkerData;
const main = new Remote<HostCalls, HostEvents>(portEndpoint(data.host), ERRORS);
const overlays = data.overlays ?? "";

const host: WorkerHost = {
  clock: REAL_CLOCK,
  firmware: async (name) => firmwareOf(await main.call("firmware", name)),
  emulator: () => main.call("wasm", `${V86_DIRECTORY}/v86.wasm`),
  bios: () => main.call("bios", undefined),
  wasm: (path) => main.call("wasm", path),
  overlays: {
    lease,
    open: (identity, chunkBytes) => openOverlay(overlays, identity, chunkBytes),
    delete: (identity) => deleteOverlay(overlays, identity),
  },
};

/** Another program cannot be asked to let go: what is to be taken over is in use as well. */
async function lease(identity: OverlayIdentity, how: LeaseOptions): Promise<Lease> {
  const other = await main.call("lease", { identity, wait: how.wait });
  if (other) {
    how.onHolder(other.holder);
    throw new StorageError("in-use", { cause: inUse(other) });
  }
  return {
    key: overlayKey(identity),
    release: () => void main.call("release", undefined).catch(() => undefined),
  };
}

serveMachine(portEndpoint(parentPort as NodePort), host);
