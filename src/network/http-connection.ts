/**
 * One TCP connection to a web server, as the HTTP client sees it: bytes out, bytes in, and two ways to end.
 *
 * Knows nothing of HTTP. Every connection ends with {@link HttpConnection.close} or {@link HttpConnection.destroy}.
 */
import type { Bytes } from "../common/bytes.js";
import type { ByteStream } from "../common/byte-stream.js";
import type { Clock } from "../common/clock.js";
import { NetworkError } from "./errors.js";

/** How long the router may take to end a connection that we closed, in milliseconds. */
const LINGER_MS = 2000;

export class HttpConnection {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #writer: WritableStreamDefaultWriter<Bytes>;
  readonly #over = new AbortController();
  /** begun while the connection was idle, or by an exchange; a stream's read cannot be taken back */
  #reading: Promise<ReadableStreamReadResult<Bytes>> | undefined;
  #idle = false;
  readonly #clock: Clock;
  #cancelRest: () => void = () => undefined;
  /** how many exchanges were completed on it */
  uses = 0;

  constructor(stream: ByteStream, clock: Clock) {
    this.#clock = clock;
    this.#reader = stream.readable.getReader();
    this.#writer = stream.writable.getWriter();
    // Their failure shows in read() and write().
    this.#reader.closed.catch(() => undefined);
    this.#writer.closed.catch(() => undefined);
  }

  /** Aborted at the end of the connection; its reason is what {@link destroy} was given. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * @returns the next bytes, never none; `undefined` when the server ended the connection
   * @throws {NetworkError} it was lost, or what {@link destroy} was given
   */
  async read(): Promise<Bytes | undefined> {
    for (;;) {
      const reading = (this.#reading ??= this.#reader.read());
      try {
        const { done, value } = await reading;
        this.over.throwIfAborted();
        if (done) return undefined;
        if (value.length > 0) return value;
      } catch (error) {
        this.over.throwIfAborted();
        throw lost(error);
      } finally {
        this.#reading = undefined;
      }
    }
  }

  /**
   * Resolves when the connection took the bytes.
   *
   * @throws {NetworkError} it was lost, or what {@link destroy} was given
   */
  async write(bytes: Bytes): Promise<void> {
    try {
      await this.#writer.write(bytes);
    } catch (error) {
      this.over.throwIfAborted();
      throw lost(error);
    }
  }

  /**
   * Keeps the connection open for a while for another exchange. Whatever comes in meanwhile, its end above all,
   * makes it useless.
   */
  rest(milliseconds: number): void {
    this.#idle = true;
    this.#cancelRest = this.#clock.after(milliseconds, () => this.close());
    this.#reading ??= this.#reader.read();
    const useless = () => {
      if (this.#idle) this.close();
    };
    this.#reading.then(useless, useless);
  }

  /** Ends {@link rest}. */
  wake(): void {
    this.#idle = false;
    this.#cancelRest();
  }

  /** Ends the connection in peace: what was written is sent. */
  close(): void {
    if (this.over.aborted) return;
    this.wake();
    const finished = this.#clock.after(LINGER_MS, () => this.#reset(undefined));
    const reading = (this.#reading ??= this.#reader.read());
    this.#over.abort(new NetworkError("reset", "the connection was closed"));
    const ended = async () => {
      await this.#writer.close();
      await reading;
      await this.#reader.cancel();
    };
    ended()
      .catch(() => this.#reset(undefined))
      .then(finished, finished);
  }

  /** Cuts the connection. @param reason what reads and writes under way fail with */
  destroy(reason: unknown): void {
    if (this.over.aborted) return;
    this.wake();
    this.#over.abort(reason);
    this.#reset(reason);
  }

  #reset(reason: unknown): void {
    this.#writer.abort(reason).catch(() => undefined);
    this.#reader.cancel(reason).catch(() => undefined);
  }
}

function lost(error: unknown): Error {
  if (error instanceof NetworkError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new NetworkError("reset", detail, { cause: error });
}
