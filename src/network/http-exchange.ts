/**
 * One request and its answer on one connection.
 *
 * Sending and receiving go on at the same time, for a server may answer before it has read everything. The answer's
 * body holds back: what its reader does not take is not read from the connection.
 */
import { type Bytes, concat } from "../common/bytes.js";
import type { Clock } from "../common/clock.js";
import { Countdown } from "./countdown.js";
import { NetworkError } from "./errors.js";
import type { HttpConnection } from "./http-connection.js";
import type { HttpResponse } from "./http-message.js";
import type { HttpParser } from "./http-parser.js";
import { endsWithHeader } from "./http-syntax.js";
import { chunk, LAST_CHUNK, readPiece, type RequestBody } from "./http-request.js";

/** How much of a body is read before somebody asks for it: small answers free their connection at once. */
const READ_AHEAD_BYTES = 64 * 1024;
/** Bytes are handed to the connection in pieces, so that progress is seen. */
const WRITE_BYTES = 64 * 1024;

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** from the end of the request to the answer's header, and for each piece of the request; in milliseconds */
  readonly headerTimeout: number;
  /** from one piece of the answer's body to the next, while its reader waits; in milliseconds */
  readonly bodyTimeout: number;
  /** The connection can be used for another exchange. Not called when it cannot. */
  onFree(head: HttpResponse): void;
}

export class Exchange {
  readonly #connection: HttpConnection;
  readonly #parser: HttpParser;
  readonly #options: ExchangeOptions;
  readonly #sending: Countdown;
  readonly #answering: Countdown;
  readonly #receiving: Countdown;
  #body: ReadableStreamDefaultController<Bytes> | undefined;
  #upload: ReadableStreamDefaultReader<Bytes> | undefined;
  #sent: Promise<void> = Promise.resolve();
  #heard = false;
  #over = false;

  /** @param parser new, for this answer; it is destroyed at the end of the exchange */
  constructor(connection: HttpConnection, parser: HttpParser, options: ExchangeOptions) {
    const { headerTimeout, bodyTimeout } = options;
    this.#connection = connection;
    this.#parser = parser;
    this.#options = options;
    this.#sending = this.#countdown(headerTimeout, "it took none of the request");
    this.#answering = this.#countdown(headerTimeout, "it did not answer the request");
    this.#receiving = this.#countdown(bodyTimeout, "it sent nothing more of its answer");
  }

  /** Whether a byte of the answer came. */
  get heard(): boolean {
    return this.#heard;
  }

  /**
   * Resolves with the answer's header; the exchange goes on until its body was received.
   *
   * @throws {NetworkError}, the signal's reason, or what the request's body failed with
   */
  async run(head: Bytes, body: RequestBody): Promise<HttpResponse> {
    const { signal } = this.#options;
    if (body.type === "stream") this.#upload = body.rest;
    signal.addEventListener("abort", this.#abort, { once: true });
    this.#connection.over.addEventListener("abort", this.#lost, { once: true });
    if (signal.aborted) this.#abort();
    try {
      this.#sent = this.#send(head, body);
      const answer = () => {
        if (!this.#parser.head && !this.#over) this.#answering.start();
      };
      // A server that does not read on may have answered all the same: what was received decides.
      this.#sent.then(answer, answer);
      return this.#response(await this.#receiveHead());
    } catch (error) {
      this.#connection.destroy(error);
      // The connection may have been over before this began, and told nobody here.
      this.#end(error);
      throw error;
    }
  }

  async #receiveHead(): Promise<Bytes[]> {
    for (;;) {
      const bytes = await this.#connection.read();
      if (bytes) this.#heard = true;
      else this.#parser.finish();
      const pieces = bytes ? this.#parser.feed(bytes) : [];
      if (this.#parser.head) return pieces;
    }
  }

  /** @param pieces of the body that came with the header */
  #response(pieces: Bytes[]): HttpResponse {
    this.#answering.stop();
    const head = this.#parser.head;
    if (!head) throw new NetworkError("protocol", "the answer has no header");
    if (this.#parser.isHead || endsWithHeader(head.status)) {
      this.#received();
      return { ...head, body: null };
    }
    const body = new ReadableStream<Bytes>(
      {
        start: (controller) => {
          this.#body = controller;
          this.#deliver(pieces);
        },
        pull: () => this.#pull(),
        cancel: (reason: unknown) => {
          this.#body = undefined;
          this.#connection.destroy(reason ?? new NetworkError("reset", "the answer was cancelled"));
        },
      },
      { highWaterMark: READ_AHEAD_BYTES, size: (piece) => piece.length },
    );
    return { ...head, body };
  }

  async #pull(): Promise<void> {
    try {
      for (let delivered = 0; delivered === 0 && this.#body;) {
        this.#receiving.start();
        const bytes = await this.#connection.read();
        this.#receiving.stop();
        if (!bytes) this.#parser.finish();
        delivered = this.#deliver(bytes ? this.#parser.feed(bytes) : []);
      }
    } catch (error) {
      this.#connection.destroy(error);
    }
  }

  /** @returns how many pieces the body's reader got */
  #deliver(pieces: Bytes[]): number {
    for (const piece of pieces) this.#body?.enqueue(piece);
    if (this.#parser.complete) {
      this.#body?.close();
      this.#body = undefined;
      this.#received();
    }
    return pieces.length;
  }

  /** The answer is complete; the request may still be under way. */
  #received(): void {
    const head = this.#parser.head;
    const { keepAlive } = this.#parser;
    const free = () => {
      if (this.#over) return;
      this.#end(new NetworkError("reset", "the answer came before the end of the request"));
      this.#connection.uses++;
      if (keepAlive && head) this.#options.onFree({ ...head, body: null });
      else this.#connection.close();
    };
    // Without keep-alive the server reads nothing any more.
    if (keepAlive) this.#sent.then(free, (error: unknown) => this.#connection.destroy(error));
    else free();
  }

  async #send(head: Bytes, body: RequestBody): Promise<void> {
    if (body.type === "bytes" && body.bytes.length <= WRITE_BYTES) {
      // Small forms go out with their header: one segment instead of two.
      return this.#write(concat([head, body.bytes]));
    }
    await this.#write(head);
    if (body.type === "bytes") return this.#writePieces(body.bytes);
    if (body.type === "stream") return this.#sendStream(body);
  }

  async #sendStream({ beginning, rest }: RequestBody & { type: "stream" }): Promise<void> {
    for (const bytes of beginning) if (bytes.length > 0) await this.#writePieces(chunk(bytes));
    for (;;) {
      const bytes = await this.#next(rest);
      this.#connection.over.throwIfAborted();
      if (!bytes) break;
      if (bytes.length > 0) await this.#writePieces(chunk(bytes));
    }
    this.#upload = undefined;
    await this.#write(LAST_CHUNK);
  }

  async #next(rest: ReadableStreamDefaultReader<Bytes>): Promise<Bytes | undefined> {
    try {
      return await readPiece(rest);
    } catch (error) {
      this.#upload = undefined;
      this.#connection.destroy(error);
      throw error;
    }
  }

  async #writePieces(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.length; at += WRITE_BYTES)
      await this.#write(bytes.subarray(at, at + WRITE_BYTES));
  }

  async #write(bytes: Bytes): Promise<void> {
    this.#connection.over.throwIfAborted();
    this.#sending.start();
    try {
      await this.#connection.write(bytes);
    } finally {
      this.#sending.stop();
    }
  }

  #countdown(milliseconds: number, what: string): Countdown {
    return new Countdown(this.#options.clock, milliseconds, () => {
      const detail = `${what} for ${milliseconds / 1000} s`;
      this.#connection.destroy(new NetworkError("timeout", detail));
    });
  }

  readonly #abort = () => this.#connection.destroy(this.#options.signal.reason);

  /** The connection is no more, whoever ended it. */
  readonly #lost = () => {
    const { reason } = this.#connection.over as { reason: unknown };
    this.#body?.error(reason);
    this.#body = undefined;
    this.#end(reason);
  };

  /** @param reason for a request's body that is still being read */
  #end(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#upload?.cancel(reason).catch(() => undefined);
    for (const countdown of [this.#sending, this.#answering, this.#receiving]) countdown.stop();
    this.#options.signal.removeEventListener("abort", this.#abort);
    this.#connection.over.removeEventListener("abort", this.#lost);
    this.#parser.destroy();
  }
}
