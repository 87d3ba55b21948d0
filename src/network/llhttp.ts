/**
 * llhttp, Node's HTTP parser, as WebAssembly: the raw calls and nothing of HTTP. http-parser.ts gives them a meaning.
 *
 * The module is the one inside the npm package undici, which the build writes out as a file of its own.
 */
import { latin1 } from "../common/bytes.js";

/**
 * Directory of llhttp.wasm below the assets. Its name carries undici's version, so that it can be cached for ever; the
 * build checks that this version is the installed one.
 */
export const LLHTTP_DIRECTORY = "undici-7.30.2";

/** llhttp's own numbers. @see undici, lib/llhttp/constants.js */
const TYPE_RESPONSE = 2;
const PAUSED = 21;
const USER = 24;

/** What a callback may answer. */
export const Continue = 0;
/** from `onHeaders` only: this message has no body, whatever its header says */
export const SkipBody = 1;
export const Pause = PAUSED;
export const Stop = USER;

/** How many bytes are handed over at once; all parsers share one buffer of that size. */
const SLICE_BYTES = 16 * 1024;

/** Called while bytes are parsed. Bytes are a view that is valid during the call only. */
export interface LlhttpHandler {
  onStatus(bytes: Uint8Array): number;
  onHeaderField(bytes: Uint8Array): number;
  onHeaderValue(bytes: Uint8Array): number;
  onHeaders(status: number): number;
  onBody(bytes: Uint8Array): number;
  onComplete(): number;
}

/** What became of some bytes. */
export interface Parsed {
  /** how many were parsed; fewer than given after a pause or an error */
  readonly length: number;
  /** llhttp's sentence, if they are not HTTP */
  readonly error?: string;
}

interface LlhttpExports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(bytes: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_should_keep_alive(parser: number): number;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_set_lenient_headers(parser: number, on: number): void;
  llhttp_set_lenient_chunked_length(parser: number, on: number): void;
  llhttp_set_lenient_keep_alive(parser: number, on: number): void;
  llhttp_set_lenient_optional_cr_before_lf(parser: number, on: number): void;
  llhttp_set_lenient_spaces_after_chunk_size(parser: number, on: number): void;
}

/** One instance of the module; it serves any number of parsers, one call at a time. */
export class Llhttp {
  readonly #wasm: LlhttpExports;
  readonly #buffer: number;
  readonly #handlers = new Map<number, LlhttpHandler>();

  /** @param module llhttp.wasm, compiled */
  constructor(module: WebAssembly.Module) {
    const span = (call: (handler: LlhttpHandler, bytes: Uint8Array) => number) => {
      return (parser: number, at: number, length: number) =>
        call(this.#handler(parser), new Uint8Array(this.#wasm.memory.buffer, at, length));
    };
    const instance = new WebAssembly.Instance(module, {
      env: {
        wasm_on_message_begin: () => Continue,
        wasm_on_url: () => Continue,
        wasm_on_status: span((handler, bytes) => handler.onStatus(bytes)),
        wasm_on_header_field: span((handler, bytes) => handler.onHeaderField(bytes)),
        wasm_on_header_value: span((handler, bytes) => handler.onHeaderValue(bytes)),
        wasm_on_headers_complete: (parser: number, status: number) =>
          this.#handler(parser).onHeaders(status),
        wasm_on_body: span((handler, bytes) => handler.onBody(bytes)),
        wasm_on_message_complete: (parser: number) => this.#handler(parser).onComplete(),
      },
    });
    this.#wasm = instance.exports as unknown as LlhttpExports;
    this.#wasm._initialize();
    this.#buffer = this.#wasm.malloc(SLICE_BYTES);
  }

  /** @returns a parser of responses, to be given back to {@link free} */
  create(handler: LlhttpHandler): number {
    const parser = this.#wasm.llhttp_alloc(TYPE_RESPONSE);
    this.#handlers.set(parser, handler);
    // CGI scripts behind small servers end their lines with a bare LF, and state a length that the server overrides.
    this.#wasm.llhttp_set_lenient_optional_cr_before_lf(parser, 1);
    this.#wasm.llhttp_set_lenient_chunked_length(parser, 1);
    // Folded header lines and padded chunk sizes: old, forbidden since, and read by every browser.
    this.#wasm.llhttp_set_lenient_headers(parser, 1);
    this.#wasm.llhttp_set_lenient_spaces_after_chunk_size(parser, 1);
    // An interim answer that says "Connection: close" is still followed by the real one.
    this.#wasm.llhttp_set_lenient_keep_alive(parser, 1);
    return parser;
  }

  free(parser: number): void {
    if (this.#handlers.delete(parser)) this.#wasm.llhttp_free(parser);
  }

  /** Parses as much of `bytes` as fits the shared buffer. */
  execute(parser: number, bytes: Uint8Array): Parsed {
    const slice = bytes.subarray(0, SLICE_BYTES);
    new Uint8Array(this.#wasm.memory.buffer).set(slice, this.#buffer);
    const result = this.#wasm.llhttp_execute(parser, this.#buffer, slice.length);
    if (result === 0) return { length: slice.length };
    const length = this.#wasm.llhttp_get_error_pos(parser) - this.#buffer;
    return result === PAUSED ? { length } : { length, error: this.#reason(parser) };
  }

  /** The connection ended: tells the parser, which may then call `onComplete`. */
  finish(parser: number): void {
    this.#wasm.llhttp_finish(parser);
  }

  /** Whether the connection can be used again; known in `onComplete`. */
  keepsAlive(parser: number): boolean {
    return this.#wasm.llhttp_should_keep_alive(parser) !== 0;
  }

  #handler(parser: number): LlhttpHandler {
    const handler = this.#handlers.get(parser);
    if (!handler) throw new Error("llhttp called back for a parser that was freed.");
    return handler;
  }

  #reason(parser: number): string {
    const start = this.#wasm.llhttp_get_error_reason(parser);
    if (start === 0) return "";
    const text = new Uint8Array(this.#wasm.memory.buffer, start);
    return latin1(text.subarray(0, text.indexOf(0)));
  }
}
