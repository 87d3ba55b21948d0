/**
 * One TCP connection of an {@link IpStack}, as web streams.
 *
 * lwIP's callbacks only note what happened, as lwIP must not be called from within them; `settle` then acts on it. The
 * window opens when bytes are read, not when they come, and a write is done when lwIP has taken all of it.
 */
import type { Bytes } from "../common/bytes.js";
import { ByteQueue } from "./byte-queue.js";
import type { ByteStream } from "../common/byte-stream.js";
import { type Deferred, deferred } from "../common/deferred.js";
import { NetworkError } from "./errors.js";
import { LWIP_ERROR, type Pointer } from "./lwip.js";

/** What a connection needs of its stack. */
export interface TcpCalls {
  /** @returns how many of the bytes were taken */
  write(connection: Pointer, bytes: Uint8Array): number;
  consumed(connection: Pointer, length: number): void;
  finish(connection: Pointer): void;
  release(connection: Pointer): void;
  abort(connection: Pointer): void;
  /** the stack need not know it any more */
  forget(): void;
}

export class TcpConnection implements ByteStream {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
  readonly #calls: TcpCalls;
  readonly #connected = deferred();
  /** 0: lwIP has no connection for us, or none any more */
  #pointer: Pointer;
  #isConnected: boolean;
  #error: Error | undefined;
  readonly #received = new ByteQueue();
  /** the peer's FIN came */
  #ended = false;
  /** our FIN went out, or waits behind the data */
  #finished = false;
  /** the reader waits for bytes */
  #pull: Deferred<void> | undefined;
  #write: ({ rest: Bytes } & Deferred<void>) | undefined;
  #pumping = false;
  #pumpAgain = false;
  #reader!: ReadableStreamDefaultController<Bytes>;
  #writer!: WritableStreamDefaultController;

  /** @param pointer of a connection that was accepted; 0 for one that {@link start} will begin */
  constructor(calls: TcpCalls, pointer: Pointer = 0) {
    this.#calls = calls;
    this.#pointer = pointer;
    this.#isConnected = pointer !== 0;
    this.readable = new ReadableStream<Bytes>(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () => {
          this.#pull = deferred();
          const { promise } = this.#pull;
          this.#deliver();
          return promise;
        },
        cancel: (reason) => this.abort(reason),
      },
      // Nothing is read ahead: what waits here has to keep the window closed.
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream<Bytes>({
      start: (controller) => {
        this.#writer = controller;
      },
      write: (bytes) => {
        if (this.#error) throw this.#error;
        this.#write = { rest: bytes, ...deferred() };
        const { promise } = this.#write;
        this.#pump();
        return promise;
      },
      close: () => {
        if (this.#error) throw this.#error;
        this.#finished = true;
        this.#calls.finish(this.#pointer);
        this.#releaseWhenOver();
      },
      abort: (reason) => this.abort(reason),
    });
  }

  /** Resolves when the peer answered; rejects when it did not. */
  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  start(pointer: Pointer): void {
    this.#pointer = pointer;
  }

  noteConnected(): void {
    this.#isConnected = true;
  }

  noteData(bytes: Uint8Array): void {
    this.#received.push(bytes);
  }

  noteEnd(): void {
    this.#ended = true;
  }

  /** lwIP has freed it. */
  noteFailure(error: number): void {
    this.#pointer = 0;
    if (!this.#isConnected)
      this.#error ??= new NetworkError(error === LWIP_ERROR.reset ? "refused" : "timeout");
    else if (!(this.#ended && this.#finished))
      this.#error ??= new NetworkError(
        "reset",
        error === LWIP_ERROR.reset ? "" : "no answer for a long time, or our address changed",
      );
  }

  /** Acts on what was noted. */
  settle(): void {
    if (this.#error) return this.#fail(this.#error);
    if (this.#isConnected) this.#connected.resolve();
    this.#deliver();
    this.#pump();
    this.#releaseWhenOver();
  }

  /** Resets the connection. */
  abort(reason: unknown): void {
    const pointer = this.#drop();
    this.#received.clear();
    if (pointer !== 0) this.#calls.abort(pointer);
    this.#fail(
      reason instanceof Error ? reason : new NetworkError("reset", "it was given up here"),
    );
  }

  /** The stack is gone: everything that waits fails, and what came in is no longer offered. */
  lose(error: Error): void {
    this.#drop();
    this.#received.clear();
    this.#fail(error);
  }

  #drop(): Pointer {
    const pointer = this.#pointer;
    this.#pointer = 0;
    return pointer;
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#calls.forget();
    this.#connected.reject(error);
    this.#write?.reject(error);
    this.#write = undefined;
    this.#writer.error(error);
    this.#deliver();
  }

  /** Gives the reader what it waits for; what came before a failure comes first. */
  #deliver(): void {
    const pull = this.#pull;
    if (!pull) return;
    const bytes = this.#received.take();
    if (!bytes && !this.#ended && !this.#error) return;
    this.#pull = undefined;
    if (bytes) this.#reader.enqueue(bytes);
    else if (this.#ended) this.#reader.close();
    else this.#reader.error(this.#error);
    pull.resolve();
    if (bytes && this.#pointer !== 0) this.#calls.consumed(this.#pointer, bytes.length);
  }

  /** Writing may lead to an acknowledgement at once, and so back to here: once around is enough. */
  #pump(): void {
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#pumpAgain = false;
      while (this.#writeSome());
      // Set from within a call of lwIP.
    } while (this.#pumpAgain as boolean);
    this.#pumping = false;
  }

  /** @returns whether there may be more to write */
  #writeSome(): boolean {
    const write = this.#write;
    if (!write || this.#pointer === 0 || !this.#isConnected) return false;
    if (write.rest.length === 0) {
      this.#write = undefined;
      write.resolve();
      return false;
    }
    const taken = this.#calls.write(this.#pointer, write.rest);
    write.rest = write.rest.subarray(taken);
    return taken > 0;
  }

  /** After both FINs lwIP keeps what it needs by itself, and its pointer may become void without a word. */
  #releaseWhenOver(): void {
    if (!this.#ended || !this.#finished) return;
    const pointer = this.#drop();
    if (pointer === 0) return;
    this.#calls.release(pointer);
    this.#calls.forget();
  }
}
