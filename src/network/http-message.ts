/** HTTP as it is on the wire, without what `fetch` adds or hides: what the HTTP client takes and gives. */
import type { Bytes } from "../common/bytes.js";

/** Header fields in their order, names as they were sent; a name may come more than once (Set-Cookie). */
export type HttpHeaders = readonly (readonly [name: string, value: string])[];

export interface HttpRequest {
  readonly method: string;
  /** TCP port of the router */
  readonly port: number;
  /** path and query, beginning with "/" */
  readonly target: string;
  /** without Host, Content-Length, Transfer-Encoding and Connection, which the client sets */
  readonly headers: HttpHeaders;
  /** `null`: none. A stream is sent chunked, bytes with their length. */
  readonly body: ReadableStream<Bytes> | Bytes | null;
}

export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HttpHeaders;
  /** decoded from its transfer encoding, not from its content encoding; `null` where HTTP allows none */
  readonly body: ReadableStream<Bytes> | null;
}

/** Sends one request and resolves when the header of the answer is there; redirects are not followed. */
export type HttpExchange = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;
