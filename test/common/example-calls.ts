/** A table of calls as a machine's could be, for the tests of src/common/rpc.ts. */
import type { Bytes } from "../../src/common/bytes.js";
import { failureCodec } from "../../src/common/failure.js";
import type { Endpoint } from "../../src/common/endpoint.js";
import { type Handlers, serve, Transferring } from "../../src/common/rpc.js";
import { NetworkError } from "../../src/network/errors.js";
import { NETWORK_ERROR } from "../../src/network/failure.js";

export interface Calls {
  exec(ask: { command: string; timeout?: number }): { stdout: string };
  save(): void;
  /** a port on which everything is answered with "pong" */
  port(): MessagePort;
  /** the same memory back */
  echo(ask: Bytes): Bytes;
  /** never answered */
  wait(): void;
  fail(ask: { with: string }): never;
}

export interface Events {
  output: Bytes;
  stage: string;
  ended: undefined;
}

export const codec = failureCodec(NETWORK_ERROR);

/** Handlers that do what their names say, but those that a test gives. */
export function handlers(given: Partial<Handlers<Calls>> = {}): Handlers<Calls> {
  return {
    exec: ({ command }) => ({ stdout: `ran ${command}` }),
    save: () => undefined,
    port: () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.postMessage("pong");
        port1.close();
      };
      return new Transferring(port2, [port2]);
    },
    echo: (bytes) => new Transferring(bytes, [bytes.buffer]),
    wait: () => new Promise(() => undefined),
    fail: ({ with: name }) => {
      throw name === "NetworkError" ? new NetworkError("refused", "port 81") : new TypeError(name);
    },
    ...given,
  };
}

/** Serves the example and says that it is up. */
export function serveExample(endpoint: Endpoint): void {
  serve<Calls, Events>(endpoint, handlers(), codec).emit("stage", "up");
}
