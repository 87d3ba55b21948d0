/** Where messages go and come from. */
export interface Endpoint {
  /** @throws {DOMException} DataCloneError */
  post(message: unknown, transfer: readonly Transferable[]): void;
  /** Begins to deliver. Called once. */
  onMessage(receive: (message: unknown) => void): void;
}

/** A Worker, a worker's own scope, or a MessagePort. Takes its `onmessage`. */
export function webEndpoint(port: {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => unknown) | null;
}): Endpoint {
  return {
    post: (message, transfer) => port.postMessage(message, [...transfer]),
    onMessage: (receive) => {
      port.onmessage = ({ data }: MessageEvent<unknown>) => receive(data);
    },
  };
}

/** A Worker, the `parentPort` or a MessagePort of node:worker_threads. */
export function nodeEndpoint(port: {
  postMessage(message: unknown, transfer: readonly never[]): void;
  on(event: "message", receive: (message: unknown) => void): unknown;
}): Endpoint {
  return {
    // Node's list of what can be transferred has other names for the same things.
    post: (message, transfer) => port.postMessage(message, transfer as readonly never[]),
    onMessage: (receive) => void port.on("message", receive),
  };
}
