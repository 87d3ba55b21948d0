/** What a page does with a router that is on: commands, HTTP, TCP. Ends with the run it was asked of. */
import {
  openByteStream,
  type PortByteStream,
  receiveStream,
  sendStream,
} from "../common/byte-port.js";
import type { ByteStream } from "../common/byte-stream.js";
import type { Bytes } from "../common/bytes.js";
import { NetworkError } from "../network/errors.js";
import type { HttpExchange } from "../network/http-message.js";
import type { ConnectOptions } from "../network/lan-host.js";
import { NETWORK_PORT } from "../network/failure.js";
import { MachineError } from "./errors.js";
import type { Run } from "./run.js";
import type { Process } from "./command.js";
import type { ExecOptions, ExecResult } from "./exec.js";
import type { WriteFileOptions } from "./guest-files.js";

type Readable = ReadableStream<Bytes>;
type Channels = [MessageChannel, MessageChannel, MessageChannel];

export class RouterClient {
  #processes = 0;

  /** @param run the power-on that is under way */
  constructor(private readonly run: () => Run | undefined) {}

  /** @throws {MachineError} the router is off or went off; {@link DOMException} on timeout or abort */
  async exec(command: string, { signal, stdin, timeout }: ExecOptions): Promise<ExecResult> {
    return this.#on().remote.call("exec", { command, stdin, timeout }, { signal });
  }

  /** What it prints waits in the router until it is read. */
  spawn(command: string, { signal }: { readonly signal?: AbortSignal | undefined }): Process {
    const run = this.#on();
    const process = ++this.#processes;
    const lost = () => run.signal.reason as Error;
    const [stdin, stdout, stderr] = [1, 2, 3].map(() => new MessageChannel()) as Channels;
    const input = new TransformStream<Bytes, Bytes>();
    sendStream(stdin.port1, input.readable, { lost, signal: run.signal }).catch(() => undefined);
    const outputs = [stdout, stderr].map(({ port1 }) =>
      owned(run, receiveStream(port1, { lost }), lost),
    );
    const ports = [stdin.port2, stdout.port2, stderr.port2] as const;
    const exited = run.remote.call(
      "spawn",
      { process, command, stdin: ports[0], stdout: ports[1], stderr: ports[2] },
      { signal, transfer: ports },
    );
    exited.catch((error: unknown) => {
      for (const output of outputs) output.fail(error as Error);
    });
    const [out, err] = outputs.map(({ readable }) => readable) as [Readable, Readable];
    return {
      ...{ stdin: input.writable, stdout: out, stderr: err, exited },
      kill: (name = "TERM") => run.remote.call("kill", { process, signal: name }),
    };
  }

  /** @throws {MachineError} there is no such file; or the signal's reason */
  async readFile(path: string, signal?: AbortSignal): Promise<Bytes> {
    return this.#on().remote.call("readFile", { path }, { signal });
  }

  /** @throws {MachineError} the router cannot store it; or the signal's reason */
  async writeFile(
    path: string,
    data: Blob | Uint8Array | string,
    { mode, signal }: WriteFileOptions,
  ): Promise<void> {
    // A copy, for the caller may go on with its own.
    const sent =
      data instanceof Blob ? data : new Blob([data instanceof Uint8Array ? data.slice() : data]);
    await this.#on().remote.call("writeFile", { path, data: sent, mode }, { signal });
  }

  /** @throws {NetworkError} or the signal's reason */
  async connect(port: number, { signal, timeout }: ConnectOptions): Promise<ByteStream> {
    const run = this.#online();
    const { port1, port2 } = new MessageChannel();
    const stream = owned(run, openByteStream(port1, NETWORK_PORT));
    try {
      await run.remote.call(
        "connect",
        { port, timeout, stream: port2 },
        { signal, transfer: [port2] },
      );
      return stream;
    } catch (cause) {
      const error = lost(run, cause);
      stream.fail(error);
      throw error;
    }
  }

  /** @throws {NetworkError} or the signal's reason */
  readonly exchange: HttpExchange = async ({ body, ...request }, signal) => {
    signal.throwIfAborted();
    const run = this.#online();
    const answer = new MessageChannel();
    const received = owned(run, receiveStream(answer.port1, NETWORK_PORT));
    const upload = body instanceof ReadableStream ? new MessageChannel() : undefined;
    const giveUp = new AbortController();
    if (upload)
      sendStream(upload.port1, body as ReadableStream<Bytes>, {
        ...NETWORK_PORT,
        signal: giveUp.signal,
      }).catch(() => undefined);
    const sent = upload ? upload.port2 : (body as Bytes | null);
    const transfer = upload ? [answer.port2, upload.port2] : [answer.port2];
    try {
      const { status, statusText, headers, hasBody } = await run.remote.call(
        "http",
        { request, body: sent, answer: answer.port2 },
        { signal, transfer },
      );
      // Until its last byte it can be given up.
      const abort = () => received.fail(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      void received.closed.then(() => signal.removeEventListener("abort", abort));
      if (!hasBody) received.fail(new NetworkError("reset"));
      return { status, statusText, headers, body: hasBody ? received.readable : null };
    } catch (cause) {
      const error = lost(run, cause);
      giveUp.abort(error);
      received.fail(error);
      throw error;
    }
  };

  #on(): Run {
    const run = this.run();
    if (!run) throw new MachineError("The router is off. Start it to run commands.");
    return run;
  }

  #online(): Run {
    const run = this.run();
    if (!run) throw new NetworkError("off");
    return run;
  }
}

/** To whoever uses the network, the end of the worker is a router that is off. */
function lost(run: Run, error: unknown): Error {
  return run.signal.aborted && error === run.signal.reason
    ? new NetworkError("off", "", { cause: error })
    : (error as Error);
}

/** A stream whose other end is the worker, and ends with it. */
function owned<Stream extends Omit<PortByteStream, "writable">>(
  run: Run,
  stream: Stream,
  lostBy: () => Error = () => new NetworkError("off", "", { cause: run.signal.reason }),
): Stream {
  const end = () => stream.fail(lostBy());
  run.signal.addEventListener("abort", end, { once: true });
  void stream.closed.then(() => run.signal.removeEventListener("abort", end));
  return stream;
}
