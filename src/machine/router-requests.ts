/** What the page asks of the router itself: commands, connections, HTTP. Each waits until there is one that answers. */
import type { Handlers } from "../common/rpc.js";
import { receiveStream, sendStream, serveByteStream } from "../common/byte-port.js";
import { NETWORK_PORT } from "../network/failure.js";
import type { Boot } from "./boot.js";
import type { WorkerCalls } from "./calls.js";

/** Requests that change nothing (RFC 9110, 9.2.1); what asks for pages all the time is among them. */
const READS = ["GET", "HEAD", "OPTIONS"];

type RouterCalls = Pick<WorkerCalls, "exec" | "connect" | "http">;

export interface RequestsOptions {
  /** the router, as soon as it can be asked */
  boot(signal: AbortSignal): Promise<Boot>;
  /** called after something was asked for that may have changed the router's files */
  onTouched(): void;
}

export class RouterRequests {
  constructor(private readonly options: RequestsOptions) {}

  readonly calls: Handlers<RouterCalls> = {
    exec: async ({ command, stdin, timeout }, signal) => {
      try {
        const { shell } = await this.options.boot(signal);
        return await shell.exec(command, { stdin, timeout, signal });
      } finally {
        this.options.onTouched();
      }
    },
    connect: async ({ port, timeout, stream }, signal) => {
      const { network } = await this.options.boot(signal);
      void serveByteStream(stream, await network.connect(port, signal, timeout), NETWORK_PORT);
      this.options.onTouched();
    },
    http: async ({ request, body, answer }, signal) => {
      const { network } = await this.options.boot(signal);
      const sent = body instanceof MessagePort ? receiveStream(body, NETWORK_PORT).readable : body;
      const response = await network.exchange({ ...request, body: sent }, signal);
      const { status, statusText, headers } = response;
      if (response.body)
        void sendStream(answer, response.body, NETWORK_PORT).catch(() => undefined);
      else answer.close();
      if (!READS.includes(request.method)) this.options.onTouched();
      return { status, statusText, headers, hasBody: response.body !== null };
    },
  };
}
