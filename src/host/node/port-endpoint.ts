import type { Transferable } from "node:worker_threads";
import type { Endpoint } from "../../common/rpc.js";

/** What Node's ports, its workers and a worker's own end have in common. */
interface NodePortLike {
  postMessage(message: unknown, transfer: readonly Transferable[]): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
}

export function portEndpoint(port: NodePortLike): Endpoint {
  return {
    post: (message, transfer = []) =>
      port.postMessage(message, transfer as unknown as readonly Transferable[]),
    onMessage: (listener) => void port.on("message", listener),
  };
}
