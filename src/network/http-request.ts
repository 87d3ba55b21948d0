/** A request as bytes: its head, and its body with a stated length or in chunks. */
import { type Bytes, concat, fromLatin1 } from "../common/bytes.js";
import type { HttpRequest } from "./http-message.js";
import { isToken } from "./http-syntax.js";

/** What the client decides itself, whatever the caller says. */
const SET_BY_CLIENT = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
]);

/** @see RFC 9110, 9.2.2: sending it twice has the effect of sending it once */
const IDEMPOTENT = new Set(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]);

/** A request body: nothing, all of it, or its beginning and a reader of the rest. */
export type RequestBody =
  | { readonly type: "none" }
  | { readonly type: "bytes"; readonly bytes: Bytes }
  | {
      readonly type: "stream";
      readonly beginning: readonly Bytes[];
      readonly rest: ReadableStreamDefaultReader<Bytes>;
    };

/**
 * Reads up to `limit` bytes of a body in advance: CGI programs, LuCI's upload among them, want to be told a length.
 *
 * @throws what the body's stream fails with, or the signal's reason
 */
export async function prepareBody(
  body: HttpRequest["body"],
  limit: number,
  signal: AbortSignal,
): Promise<RequestBody> {
  if (body === null) return { type: "none" };
  if (body instanceof Uint8Array) return { type: "bytes", bytes: body };
  const rest = body.getReader();
  const cancel = () => void rest.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const beginning: Bytes[] = [];
    for (let length = 0; length <= limit;) {
      const bytes = await readPiece(rest);
      signal.throwIfAborted();
      if (!bytes) return { type: "bytes", bytes: concat(beginning) };
      beginning.push(bytes);
      length += bytes.length;
    }
    return { type: "stream", beginning, rest };
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/**
 * @returns the next bytes of a body; `undefined` at its end
 * @throws {TypeError} a stream of something else; or what the stream fails with
 */
export async function readPiece(
  body: ReadableStreamDefaultReader<Bytes>,
): Promise<Bytes | undefined> {
  const { done, value } = (await body.read()) as ReadableStreamReadResult<unknown>;
  if (done) return undefined;
  if (value instanceof Uint8Array) return value as Bytes;
  const error = new TypeError("A request's body must be a stream of bytes (Uint8Array).");
  body.cancel(error).catch(() => undefined);
  throw error;
}

/** Whether the server may get this request twice. */
export function isRepeatable(method: string, body: RequestBody): boolean {
  return IDEMPOTENT.has(method) && body.type !== "stream";
}

/**
 * @param host the router's address, for the Host field
 * @throws {TypeError} the request cannot be written as HTTP
 */
export function requestHead(request: HttpRequest, host: string, body: RequestBody): Bytes {
  const { method, target, port } = request;
  if (!isToken(method)) throw new TypeError(`"${method}" is no HTTP method.`);
  if (!/^\/[\x21-\x7e]*$/.test(target))
    throw new TypeError(`"${target}" is no path of a web server.`);
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${port === 80 ? host : `${host}:${port}`}`];
  for (const [name, value] of request.headers) {
    if (SET_BY_CLIENT.has(name.toLowerCase())) continue;
    if (!isToken(name) || !/^[^\0\r\n\u0100-\uffff]*$/.test(value))
      throw new TypeError(
        `The header field "${name}" cannot be sent: it has characters HTTP does not allow.`,
      );
    lines.push(`${name}: ${value}`);
  }
  if (body.type === "bytes") lines.push(`Content-Length: ${body.bytes.length}`);
  else if (body.type === "stream") lines.push("Transfer-Encoding: chunked");
  else if (method === "POST" || method === "PUT") lines.push("Content-Length: 0");
  return fromLatin1(lines.join("\r\n") + "\r\n\r\n");
}

/** @param bytes not empty, for an empty chunk would end the body */
export function chunk(bytes: Uint8Array): Bytes {
  const size = new TextEncoder().encode(`${bytes.length.toString(16)}\r\n`);
  return concat([size, bytes, new Uint8Array([13, 10])]);
}

/** Ends a body sent in chunks. */
export const LAST_CHUNK = new TextEncoder().encode("0\r\n\r\n");
