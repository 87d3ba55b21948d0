/**
 * Reads one HTTP/1 answer out of the bytes of a connection, as they come, and never keeps more than its header.
 *
 * Interim answers (1xx) are skipped. What is accepted is llhttp's decision (see llhttp.ts for where it is lenient).
 */
import { type Bytes, latin1 } from "../common/bytes.js";
import { NetworkError } from "./errors.js";
import type { HttpHeaders } from "./http-message.js";
import { isToken } from "./http-syntax.js";
import { Continue, type Llhttp, type LlhttpHandler, Pause, SkipBody, Stop } from "./llhttp.js";

/** The header section with its status line, in bytes; interim answers count too. Browsers stop at the same size. */
export const MAX_HEADER_BYTES = 256 * 1024;

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HttpHeaders;
}

export class HttpParser implements LlhttpHandler {
  readonly #llhttp: Llhttp;
  readonly #parser: number;
  /** whether this is an answer to HEAD */
  readonly isHead: boolean;
  #headerBytes = 0;
  #trailerBytes = 0;
  #statusText = "";
  #names: string[] = [];
  #values: string[] = [];
  #head: ResponseHead | undefined;
  #pieces: Bytes[] = [];
  #complete = false;
  #keepAlive = false;
  #leftOver = false;
  #problem = "";
  #destroyed = false;

  /** @param method of the request; the answer to HEAD has no body */
  constructor(llhttp: Llhttp, method: string) {
    this.#llhttp = llhttp;
    this.isHead = method === "HEAD";
    this.#parser = llhttp.create(this);
  }

  /** Set once the header section is complete. */
  get head(): ResponseHead | undefined {
    return this.#head;
  }

  /** Whether the last byte of the body was read. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Whether the server will take another request on this connection; known when {@link complete}. */
  get keepAlive(): boolean {
    return this.#keepAlive && !this.#leftOver;
  }

  /**
   * Takes the next bytes of the connection; after {@link destroy}, nothing.
   *
   * @returns the pieces of the body in them, as copies
   * @throws {NetworkError} `protocol`: this is not HTTP, or too much of it
   */
  feed(bytes: Uint8Array): Bytes[] {
    let rest = bytes;
    while (rest.length > 0 && !this.#destroyed) {
      if (this.#complete) {
        this.#leftOver = true;
        break;
      }
      rest = rest.subarray(this.#parse(rest));
    }
    return this.#pieces.splice(0);
  }

  /**
   * The server ended the connection. For some answers that is the end of the body.
   *
   * @throws {NetworkError} `reset`: the answer was not complete
   */
  finish(): void {
    if (this.#complete || this.#destroyed) return;
    this.#llhttp.finish(this.#parser);
    this.#keepAlive = false;
    if (this.#complete as boolean) return;
    throw new NetworkError(
      "reset",
      this.#head
        ? "the connection ended in the middle of the answer"
        : this.#headerBytes > 0
          ? "the connection ended in the middle of the answer's header"
          : "the connection ended before an answer came",
    );
  }

  /** Must be called at the end, however it ended. */
  destroy(): void {
    this.#destroyed = true;
    this.#llhttp.free(this.#parser);
  }

  onStatus(bytes: Uint8Array): number {
    this.#statusText += latin1(bytes);
    return Continue;
  }

  onHeaderField(bytes: Uint8Array): number {
    if (this.#head) return this.#countTrailer(bytes);
    const begun = this.#names.length > this.#values.length ? (this.#names.pop() ?? "") : "";
    this.#names.push(begun + latin1(bytes));
    return Continue;
  }

  onHeaderValue(bytes: Uint8Array): number {
    if (this.#head) return this.#countTrailer(bytes);
    const begun = this.#values.length === this.#names.length ? (this.#values.pop() ?? "") : "";
    this.#values.push(begun + latin1(bytes));
    return Continue;
  }

  onHeaders(status: number): number {
    if (status === 101) return this.#stop("the server wants to change to another protocol");
    if (status < 100) return this.#stop(`the status ${status} does not exist`);
    // llhttp, as lenient as we ask it to be, lets these pass; Headers would not take them.
    if (this.#values.some((value) => value.includes("\0"))) return this.#stop("NUL in its header");
    if (!this.#names.every(isToken)) return this.#stop("its header has a field with a bad name");
    if (status < 200) return SkipBody;
    this.#head = {
      status,
      statusText: this.#statusText,
      headers: this.#names.map((name, at) => [name, (this.#values[at] ?? "").trim()]),
    };
    return this.isHead ? SkipBody : Continue;
  }

  onBody(bytes: Uint8Array): number {
    this.#pieces.push(bytes.slice());
    return Continue;
  }

  onComplete(): number {
    if (!this.#head) {
      this.#statusText = "";
      this.#names = [];
      this.#values = [];
      return Continue;
    }
    this.#complete = true;
    this.#keepAlive = this.#llhttp.keepsAlive(this.#parser);
    return Pause;
  }

  /** @returns how many bytes were used */
  #parse(bytes: Uint8Array): number {
    const inHeader = !this.#head;
    const budget = inHeader ? MAX_HEADER_BYTES - this.#headerBytes : bytes.length;
    if (budget === 0)
      throw new NetworkError(
        "protocol",
        `its header is larger than ${MAX_HEADER_BYTES / 1024} KiB`,
      );
    const { length, error } = this.#llhttp.execute(this.#parser, bytes.subarray(0, budget));
    if (error !== undefined)
      throw new NetworkError("protocol", this.#problem || error || "it cannot be read");
    if (inHeader) this.#headerBytes += length;
    return length;
  }

  #countTrailer(bytes: Uint8Array): number {
    this.#trailerBytes += bytes.length;
    return this.#trailerBytes > MAX_HEADER_BYTES
      ? this.#stop(`its trailer is larger than ${MAX_HEADER_BYTES / 1024} KiB`)
      : Continue;
  }

  #stop(problem: string): number {
    this.#problem = problem;
    return Stop;
  }
}
