/**
 * A machine's worker: runs one boot. The page never waits on it; all they do is exchange the messages of messages.ts.
 */
import { Boot } from "./boot.js";
import { fetchWasm } from "./assets.js";
import { indexedDbMemory } from "../snapshot/indexeddb-memory.js";
import { failure } from "./failure.js";
import type { FromWorker, ToWorker } from "./messages.js";

interface WorkerScope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}
const scope = globalThis as unknown as WorkerScope;

let boot: Boot | undefined;

scope.onmessage = ({ data }) => {
  if (data.type !== "start") return boot?.receive(data);
  const { assets } = data;
  Boot.start(data, {
    post: (message, transfer) => scope.postMessage(message, transfer ?? []),
    loadWasm: (path) => fetchWasm(new URL(path, assets)),
    memoryStore: indexedDbMemory,
  }).then(
    (started) => (boot = started),
    (error: unknown) => scope.postMessage(failure(error)),
  );
};
