/** Where an answer sends us on to, and what is asked there: fetch's rules, with every host being the router. */
import type { Bytes } from "../common/bytes.js";
import { NetworkError } from "./errors.js";

/** @see Fetch Standard, HTTP-redirect fetch */
export const MAX_REDIRECTS = 20;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const ABOUT_THE_BODY = ["content-encoding", "content-language", "content-location", "content-type"];

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/** What a redirect may change. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: ReadableStream<Bytes> | Bytes | null;
}

/**
 * @param location value of the Location field
 * @throws {NetworkError} `redirect`: it leads nowhere, away from the router's plain HTTP, or wants a body again that was
 *   a stream
 */
export function followRedirect(asked: Asked, status: number, location: string): Asked {
  if (!URL.canParse(location, asked.url))
    throw new NetworkError("redirect", `"${location}" is not an address`);
  const url = new URL(location, asked.url);
  if (url.protocol !== "http:")
    throw new NetworkError(
      "redirect",
      `"${url.href}" is not plain HTTP, the only way to the router`,
    );
  const headers = new Headers(asked.headers);
  if (url.origin !== asked.url.origin) headers.delete("authorization");
  const { method } = asked;
  const becomesGet =
    ((status === 301 || status === 302) && method === "POST") ||
    (status === 303 && method !== "GET" && method !== "HEAD");
  if (becomesGet) {
    for (const name of ABOUT_THE_BODY) headers.delete(name);
    return { method: "GET", url, headers, body: null };
  }
  if (asked.body instanceof ReadableStream)
    throw new NetworkError("redirect", "the request's body was a stream and cannot be sent again");
  return { method, url, headers, body: asked.body };
}
