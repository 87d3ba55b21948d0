/**
 * Bytes over a MessagePort, for Safari cannot transfer streams: both ends open a stream on their port, and what one
 * writes the other reads.
 *
 * Each direction holds back by itself: nobody sends more bytes than the reader at the other end gave credit for. The
 * port belongs to the stream and is closed with it.
 *
 * The other end need not be trusted. Only bytes come out, no more of them than there was credit for; any other message
 * breaks the stream.
 */
import type { ByteStream } from "./byte-stream.js";
import type { Bytes } from "./bytes.js";
import { deferred } from "./deferred.js";
import { type Failure, failureCodec, type FailureCodec } from "./failure.js";
import { pump } from "./pump.js";

/** Every message on such a port. Both ends send all of them; each is about the direction that its first word says. */
type PortMessage =
  /** Bytes for the reader, within its credit: at least one, and the whole of their buffer. */
  | { readonly type: "data"; readonly bytes: Bytes }
  /** The writer is done. Its last message. */
  | { readonly type: "end" }
  /** The writer gave up, or its source failed. Its last message. */
  | { readonly type: "abort"; readonly failure: Failure }
  /** From the reader: so many more bytes may be sent. */
  | { readonly type: "credit"; readonly bytes: number }
  /** From the reader: it takes no more. */
  | { readonly type: "cancel"; readonly failure: Failure };

/** How many bytes may be under way and unread in one direction: the credit both ends begin with. */
const WINDOW_BYTES = 256 * 1024;
/** Credit is given in portions of at least this size, for a message each would cost more than the bytes. */
const CREDIT_BYTES = WINDOW_BYTES / 4;
const MESSAGE_BYTES = 64 * 1024;

export interface BytePortOptions {
  /** how errors cross; by default, those that every context has */
  readonly codec?: FailureCodec;
  /** what the stream fails with when the other end is gone, or sends what is no message */
  readonly lost?: () => Error;
}

export interface PortByteStream extends ByteStream {
  /** Resolves when both directions are over, however they ended. */
  readonly closed: Promise<void>;
  /** Ends both directions at once, and tells the other end if there still is one. */
  fail(error: Error): void;
}

/** One end of a stream over a port; the other end does the same with the other port of the channel. */
export function openByteStream(port: MessagePort, options?: BytePortOptions): PortByteStream {
  return new PortEnd(port, options);
}

/**
 * Makes a stream usable through a port: the other end of the channel opens it with {@link openByteStream}.
 *
 * @param options `signal` cuts the stream and tells the other end
 * @returns when both directions are over, however they ended; never rejects
 */
export async function serveByteStream(
  port: MessagePort,
  stream: ByteStream,
  options: BytePortOptions & { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { signal } = options;
  const end = new PortEnd(port, options);
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  const directions = [
    pump(end.readable, stream.writable, stop.signal),
    pump(stream.readable, end.writable, stop.signal),
  ];
  // Either direction may end before the other; but what fails in one is a lost connection.
  for (const direction of directions) direction.catch((error: unknown) => stop.abort(error));
  await Promise.allSettled(directions);
  signal?.removeEventListener("abort", abort);
}

/**
 * Sends a stream through a port of its own, to {@link receiveStream}.
 *
 * @param options `signal` breaks it off
 * @returns when all of it was sent; rejects when `readable` failed, the other end cancelled, or `signal` aborted
 */
export function sendStream(
  port: MessagePort,
  readable: ReadableStream<Bytes>,
  options: BytePortOptions & { readonly signal?: AbortSignal } = {},
): Promise<void> {
  return pump(readable, new PortEnd(port, options, "send").writable, options.signal);
}

/** The stream that {@link sendStream} sends from the other end. */
export function receiveStream(
  port: MessagePort,
  options?: BytePortOptions,
): Omit<PortByteStream, "writable"> {
  return new PortEnd(port, options, "receive");
}

class PortEnd implements PortByteStream {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
  readonly #closed = deferred();
  readonly closed: Promise<void> = this.#closed.promise;
  readonly #port: MessagePort;
  readonly #codec: FailureCodec;
  readonly #lost: () => Error;
  /** bytes the other end still takes */
  #credit = WINDOW_BYTES;
  /** bytes the other end may still send */
  #granted = WINDOW_BYTES;
  /** of the direction to read; `undefined` when it is over, as with `#sink` */
  #source: ReadableStreamDefaultController<Bytes> | undefined;
  #sink: WritableStreamDefaultController | undefined;
  /** lets a write that waits for credit look again */
  #wake: () => void = () => undefined;

  constructor(
    port: MessagePort,
    options: BytePortOptions = {},
    direction: "both" | "send" | "receive" = "both",
  ) {
    this.#port = port;
    this.#codec = options.codec ?? failureCodec();
    this.#lost = options.lost ?? (() => new Error("The other end of the stream is gone."));
    this.readable = new ReadableStream<Bytes>(
      {
        start: (controller) => void (this.#source = controller),
        pull: () => this.#giveCredit(),
        cancel: (reason) => {
          this.#post({ type: "cancel", failure: this.#codec.encode(reason) });
          this.#readingIsOver();
        },
      },
      { highWaterMark: WINDOW_BYTES, size: (bytes) => bytes.length },
    );
    this.writable = new WritableStream<Bytes>({
      start: (controller) => {
        this.#sink = controller;
        controller.signal.addEventListener("abort", () => this.#wake());
      },
      write: (bytes) => this.#send(bytes),
      close: () => {
        this.#post({ type: "end" });
        this.#writingIsOver();
      },
      abort: (reason) => {
        this.#post({ type: "abort", failure: this.#codec.encode(reason) });
        this.#writingIsOver();
      },
    });
    if (direction === "send") this.#source = undefined;
    if (direction === "receive") this.#sink = undefined;
    const lost = () => this.fail(this.#lost());
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!isPortMessage(data) || !this.#receive(data)) lost();
    };
    port.onmessageerror = lost;
    // Not every browser tells when the other end is gone; those that do spare the owner a fail().
    port.addEventListener("close", lost);
  }

  fail(error: Error): void {
    const failure = this.#codec.encode(error);
    if (this.#source) this.#post({ type: "cancel", failure });
    if (this.#sink) this.#post({ type: "abort", failure });
    this.#source?.error(error);
    this.#sink?.error(error);
    this.#readingIsOver();
    this.#writingIsOver();
  }

  /** @returns whether the other end may say that now */
  #receive(message: PortMessage): boolean {
    switch (message.type) {
      case "data":
        // What was on its way when reading ended is nobody's.
        if (!this.#source) return true;
        this.#granted -= message.bytes.length;
        if (this.#granted < 0) return false;
        this.#source.enqueue(message.bytes);
        return true;
      case "end":
        this.#source?.close();
        this.#readingIsOver();
        return true;
      case "abort":
        this.#source?.error(this.#codec.decode(message.failure));
        this.#readingIsOver();
        return true;
      case "credit":
        this.#credit += message.bytes;
        this.#wake();
        return this.#credit <= WINDOW_BYTES;
      case "cancel":
        this.#sink?.error(this.#codec.decode(message.failure));
        this.#writingIsOver();
        return true;
    }
  }

  /** Called whenever the reader took something. */
  #giveCredit(): void {
    const room = (this.#source?.desiredSize ?? 0) - this.#granted;
    if (room < CREDIT_BYTES) return;
    this.#granted += room;
    this.#post({ type: "credit", bytes: room });
  }

  async #send(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.length && this.#sink && !this.#sink.signal.aborted;) {
      if (this.#credit === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      // A copy, for what is posted is taken away from the writer; Node's Buffer.slice would make none.
      const part = new Uint8Array(bytes.subarray(at, at + Math.min(this.#credit, MESSAGE_BYTES)));
      at += part.length;
      this.#credit -= part.length;
      this.#post({ type: "data", bytes: part }, [part.buffer]);
    }
  }

  #post(message: PortMessage, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  #readingIsOver(): void {
    this.#source = undefined;
    this.#closePort();
  }

  #writingIsOver(): void {
    this.#sink = undefined;
    this.#wake();
    this.#closePort();
  }

  #closePort(): void {
    if (this.#source || this.#sink) return;
    this.#port.close();
    this.#closed.resolve();
  }
}

function isPortMessage(data: unknown): data is PortMessage {
  const { type, bytes } = (data ?? {}) as Record<string, unknown>;
  switch (type) {
    case "data":
      // A view of a part would bring along the rest of its buffer, for which there is no credit; nothing at all costs
      // no credit and takes memory all the same.
      return (
        bytes instanceof Uint8Array &&
        bytes.buffer instanceof ArrayBuffer &&
        bytes.length > 0 &&
        bytes.length === bytes.buffer.byteLength
      );
    case "credit":
      return Number.isInteger(bytes) && (bytes as number) > 0;
    case "end":
    case "abort":
    case "cancel":
      return true;
    default:
      return false;
  }
}
