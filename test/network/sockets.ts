/** Real TCP connections of Node as the streams that the HTTP client takes. */
import { connect as tcpConnect, type Socket } from "node:net";
import type { ByteStream } from "../../src/common/byte-stream.js";
import { NetworkError } from "../../src/network/errors.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** Connects to 127.0.0.1 and counts what is open, so that a test can see that nothing is left. */
export class Sockets {
  readonly open = new Set<Socket>();
  connected = 0;

  readonly connect = (port: number, signal: AbortSignal): Promise<ByteStream> =>
    new Promise((resolve, reject) => {
      const socket = tcpConnect({ port, host: "127.0.0.1", allowHalfOpen: true });
      this.open.add(socket);
      socket.on("close", () => this.open.delete(socket));
      const abort = () => {
        socket.destroy();
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", abort, { once: true });
      socket.once("error", (error: NodeJS.ErrnoException) =>
        reject(new NetworkError(error.code === "ECONNREFUSED" ? "refused" : "unreachable")),
      );
      socket.once("connect", () => {
        signal.removeEventListener("abort", abort);
        this.connected++;
        resolve(socketStream(socket));
      });
    });

  /** Resolves when every connection is gone. */
  async allClosed(): Promise<void> {
    await Promise.all(
      [...this.open].map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    );
  }
}

export function socketStream(socket: Socket): ByteStream {
  socket.pause();
  let ended = false;
  const failure = new Promise<never>((_, reject) => {
    socket.on("error", (cause) => reject(new NetworkError("reset", cause.message, { cause })));
    socket.on("close", () => {
      if (!ended) reject(new NetworkError("reset", "closed"));
    });
  });
  failure.catch(() => undefined);
  const readable = new ReadableStream<Bytes>(
    {
      start: (controller) => {
        failure.catch((error: unknown) => controller.error(error));
        socket.on("data", (data: Buffer) => {
          controller.enqueue(new Uint8Array(data));
          if ((controller.desiredSize ?? 0) <= 0) socket.pause();
        });
        socket.on("end", () => {
          ended = true;
          controller.close();
        });
      },
      pull: () => void socket.resume(),
      cancel: () => void socket.resetAndDestroy(),
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Bytes>({
    start: (controller) => {
      failure.catch((error: unknown) => controller.error(error));
      controller.signal.addEventListener("abort", () => socket.resetAndDestroy());
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes.slice(), (error) => {
          if (error) reject(new NetworkError("reset", error.message));
          else resolve();
        });
      }),
    close: () => new Promise((resolve) => socket.end(() => resolve())),
    abort: () => void socket.resetAndDestroy(),
  });
  return { readable, writable };
}
