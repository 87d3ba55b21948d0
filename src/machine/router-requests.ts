/** What the page asks of the router itself: commands, connections, HTTP. Each waits until there is one that answers. */
import { type Handlers, Transferring } from "../common/rpc.js";
import { receiveStream, sendStream, serveByteStream } from "../common/byte-port.js";
import { NETWORK_PORT } from "../network/failure.js";
import type { Boot } from "./boot.js";
import type { WorkerCalls } from "./calls.js";
import type { Process } from "./command.js";
import { GuestFiles } from "./guest-files.js";

/** Requests that change nothing (RFC 9110, 9.2.1); what asks for pages all the time is among them. */
const READS = ["GET", "HEAD", "OPTIONS"];

type RouterCalls = Pick<
  WorkerCalls,
  "exec" | "spawn" | "kill" | "readFile" | "writeFile" | "connect" | "http"
>;

export interface RequestsOptions {
  /** the router, as soon as it can be asked */
  boot(signal: AbortSignal): Promise<Boot>;
  /** called after something was asked for that may have changed the router's files */
  onTouched(): void;
}

export class RouterRequests {
  /** those that run, by the page's numbers */
  readonly #processes = new Map<number, Process>();

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
    spawn: async ({ process, command, stdin, stdout, stderr }, signal) => {
      try {
        const { shell } = await this.options.boot(signal);
        const running = shell.spawn(command, { signal });
        this.#processes.set(process, running);
        // Whoever ends first, command or page: the other end is told by the port.
        void receiveStream(stdin)
          .readable.pipeTo(running.stdin)
          .catch(() => undefined);
        const outputs = [
          sendStream(stdout, running.stdout).catch(() => undefined),
          sendStream(stderr, running.stderr).catch(() => undefined),
        ];
        const status = await running.exited;
        await Promise.all(outputs);
        return status;
      } finally {
        this.#processes.delete(process);
        this.options.onTouched();
      }
    },
    // One that has ended needs no signal.
    kill: async ({ process, signal }) => this.#processes.get(process)?.kill(signal),
    readFile: async ({ path }, signal) => {
      const { shell } = await this.options.boot(signal);
      const content = await new GuestFiles(shell).readFile(path, { signal });
      return new Transferring(content, [content.buffer]);
    },
    writeFile: async ({ path, data, mode }, signal) => {
      try {
        const { shell } = await this.options.boot(signal);
        await new GuestFiles(shell).writeFile(path, data, { mode, signal });
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
