/**
 * `fetch` for the router: the web's own semantics over an {@link HttpExchange}.
 *
 * Where it differs from the web's, for the sake of tools that look after a router:
 * - every host name is the router, whichever it is; only the port and the path count. https is refused;
 * - what fails on the way rejects with a {@link NetworkError} that says why, where the web has one TypeError for all.
 *   A TypeError is left for what the caller did wrong;
 * - there is no forbidden header: `Cookie` is sent, and `Set-Cookie` can be read (`headers.getSetCookie()`). Cookies
 *   are not kept;
 * - `redirect: "manual"` gives the redirect itself, with its status and Location, not an opaque answer;
 * - a `Request`'s body is read before it is sent, so that its length is known; `init.body` may be a stream.
 */
import type { Bytes } from "../common/bytes.js";
import { ACCEPTED_ENCODINGS } from "./content-decoding.js";
import { NetworkError } from "./errors.js";
import type { HttpExchange } from "./http-message.js";
import { valuesOf } from "./http-syntax.js";
import { type Asked, followRedirect, isRedirect, MAX_REDIRECTS } from "./redirects.js";
import { toResponse } from "./router-response.js";

/** Methods whose letter case does not matter. @see Fetch Standard, 2.2.1 */
const NORMALIZED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);

/**
 * @param base the router's address, for example "http://192.168.1.1/"; relative addresses start there
 * @returns when the answer's header is there
 * @throws {NetworkError} the router cannot be reached, does not answer, not with HTTP, or with a bad redirect
 * @throws {TypeError} the request makes no sense; or the signal's reason
 */
export async function routerFetch(
  exchange: HttpExchange,
  base: string,
  input: RequestInfo | URL,
  init: RequestInit = {},
): Promise<Response> {
  const request = input instanceof Request ? input : undefined;
  const signal = init.signal ?? request?.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const mode = init.redirect ?? request?.redirect ?? "follow";
  let asked = await asking(base, input, init);
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(
      {
        method: asked.method,
        port: asked.url.port === "" ? 80 : Number(asked.url.port),
        target: asked.url.pathname + asked.url.search,
        headers: [...asked.headers],
        body: asked.body,
      },
      signal,
    );
    const location = valuesOf(response.headers, "location")[0];
    if (mode === "manual" || location === undefined || !isRedirect(response.status))
      return toResponse(response, asked.url.href, redirects > 0);
    await response.body?.cancel().catch(() => undefined);
    signal.throwIfAborted();
    if (mode === "error")
      throw new NetworkError("redirect", `redirects were not wanted: ${location}`);
    if (redirects === MAX_REDIRECTS)
      throw new NetworkError("redirect", `more than ${MAX_REDIRECTS} redirects`);
    asked = followRedirect(asked, response.status, location);
  }
}

/** @throws {TypeError} */
async function asking(base: string, input: RequestInfo | URL, init: RequestInit): Promise<Asked> {
  const request = input instanceof Request ? input : undefined;
  const url = routerUrl(request?.url ?? (input as string | URL), base);
  const method = normalized(init.method ?? request?.method ?? "GET");
  const headers = new Headers(init.headers ?? request?.headers);
  if (!headers.has("accept")) headers.set("accept", "*/*");
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", ACCEPTED_ENCODINGS);
  const body = init.body ?? request?.body ?? null;
  if (body === null) return { method, url, headers, body };
  if (method === "GET" || method === "HEAD")
    throw new TypeError(`A ${method} request cannot have a body.`);
  if (init.body instanceof ReadableStream)
    return { method, url, headers, body: init.body as ReadableStream<Bytes> };
  const whole = init.body == null && request ? request : new Response(init.body);
  const type = whole.headers.get("content-type");
  if (type !== null && !headers.has("content-type")) headers.set("content-type", type);
  return { method, url, headers, body: new Uint8Array(await whole.arrayBuffer()) };
}

/** @throws {TypeError} */
function routerUrl(address: string | URL, base: string): URL {
  if (!URL.canParse(address, base)) throw new TypeError(`"${String(address)}" is not an address.`);
  const url = new URL(address, base);
  if (url.protocol !== "http:")
    throw new TypeError(
      `The router is reached by plain HTTP only: use "http:" instead of "${url.protocol}" in ${url.href}.`,
    );
  if (url.username || url.password)
    throw new TypeError("An address with a user name or password in it is not fetched.");
  url.hash = "";
  return url;
}

/** @throws {TypeError} */
function normalized(method: string): string {
  const upper = method.toUpperCase();
  if (FORBIDDEN.has(upper)) throw new TypeError(`The method ${upper} is not allowed.`);
  return NORMALIZED.has(upper) ? upper : method;
}
