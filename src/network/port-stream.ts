/**
 * A {@link ByteStream} over a MessagePort, for Safari cannot transfer streams: both ends open one, and what one writes
 * the other reads.
 *
 * Each direction holds back by itself: nobody sends more bytes than the reader at the other end gave credit for. The
 * port belongs to the stream and is closed with it.
 */
import type { ByteStream } from "./byte-stream.js";
import { deferred } from "../common/deferred.js";
import { NetworkError } from "./errors.js";
import { type Failure, toError, toFailure } from "./failure.js";
import { pump } from "./pump.js";

/** Every message on such a port. Both ends send all of them; each is about the direction that its first word says. */
export type PortMessage =
  /** Bytes for the reader, within its credit. */
  | { readonly type: "data"; readonly bytes: Uint8Array<ArrayBuffer> }
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

export interface PortByteStream extends ByteStream {
  /** Resolves when both directions are over, however they ended. */
  readonly closed: Promise<void>;
  /** Ends both directions at once, for whoever knows that the other end is gone. */
  fail(error: Error): void;
  /** The same, and tells the other end. */
  giveUp(error: Error): void;
}

/** One end of a stream over a port; the other end does the same with the other port of the channel. */
export function openByteStream(port: MessagePort): PortByteStream {
  return new PortEnd(port);
}

/** Something that goes on until both directions are over. */
export interface PortService {
  /** Resolves when both directions are over, however they ended. */
  readonly finished: Promise<void>;
  /** Cuts the stream and tells the other end. */
  fail(error: Error): void;
}

/** Makes a stream usable through a port: the other end of the channel opens it with {@link openByteStream}. */
export function serveByteStream(port: MessagePort, stream: ByteStream): PortService {
  const end = new PortEnd(port);
  const stop = new AbortController();
  const directions = [
    pump(end.readable, stream.writable, stop.signal),
    pump(stream.readable, end.writable, stop.signal),
  ];
  // Either direction may end before the other; but what fails in one is a lost connection.
  for (const direction of directions) direction.catch((error: unknown) => stop.abort(error));
  const finished = Promise.allSettled(directions).then(() => undefined);
  return { finished, fail: (error) => stop.abort(error) };
}

/**
 * Sends a stream through a port of its own, to {@link receiveStream}.
 *
 * @returns when all of it was sent; rejects when `readable` failed, the other end cancelled, or `signal` aborted
 */
export function sendStream(
  port: MessagePort,
  readable: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal?: AbortSignal,
): Promise<void> {
  return pump(readable, new PortEnd(port, "send").writable, signal);
}

/** The stream that {@link sendStream} sends from the other end. `fail` is for whoever knows that that end is gone. */
export function receiveStream(port: MessagePort): Omit<PortByteStream, "writable"> {
  return new PortEnd(port, "receive");
}

class PortEnd implements PortByteStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly #closed = deferred();
  readonly closed: Promise<void> = this.#closed.promise;
  readonly #port: MessagePort;
  /** bytes the other end still takes */
  #credit = WINDOW_BYTES;
  /** bytes the other end may still send */
  #granted = WINDOW_BYTES;
  #source: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #sink: WritableStreamDefaultController | undefined;
  /** lets a write that waits for credit look again */
  #wake: () => void = () => undefined;

  constructor(port: MessagePort, direction: "both" | "send" | "receive" = "both") {
    this.#port = port;
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => void (this.#source = controller),
        pull: () => this.#giveCredit(),
        cancel: (reason) => {
          this.#post({ type: "cancel", failure: toFailure(reason) });
          this.#readingIsOver();
        },
      },
      { highWaterMark: WINDOW_BYTES, size: (bytes) => bytes.length },
    );
    this.writable = new WritableStream<Uint8Array<ArrayBuffer>>({
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
        this.#post({ type: "abort", failure: toFailure(reason) });
        this.#writingIsOver();
      },
    });
    if (direction === "send") this.#source = undefined;
    if (direction === "receive") this.#sink = undefined;
    port.onmessage = ({ data }: MessageEvent<PortMessage>) => this.#receive(data);
    // Not every browser tells when the other end is gone; those that do spare the owner a fail().
    port.addEventListener("close", () => this.fail(new NetworkError("off")));
  }

  fail(error: Error): void {
    this.#source?.error(error);
    this.#sink?.error(error);
    this.#readingIsOver();
    this.#writingIsOver();
  }

  giveUp(error: Error): void {
    const failure = toFailure(error);
    if (this.#source) this.#post({ type: "cancel", failure });
    if (this.#sink) this.#post({ type: "abort", failure });
    this.fail(error);
  }

  #receive(message: PortMessage): void {
    switch (message.type) {
      case "data":
        this.#granted -= message.bytes.length;
        return this.#source?.enqueue(message.bytes);
      case "end":
        this.#source?.close();
        return this.#readingIsOver();
      case "abort":
        this.#source?.error(toError(message.failure));
        return this.#readingIsOver();
      case "credit":
        this.#credit += message.bytes;
        return this.#wake();
      case "cancel":
        this.#sink?.error(toError(message.failure));
        return this.#writingIsOver();
    }
  }

  /** Called whenever the reader took something. */
  #giveCredit(): void {
    const room = (this.#source?.desiredSize ?? 0) - this.#granted;
    if (room < CREDIT_BYTES) return;
    this.#granted += room;
    this.#post({ type: "credit", bytes: room });
  }

  async #send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < bytes.length && this.#sink && !this.#sink.signal.aborted;) {
      if (this.#credit === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      // A copy, for what is posted is taken away from the writer.
      const part = bytes.slice(at, at + Math.min(this.#credit, MESSAGE_BYTES));
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
