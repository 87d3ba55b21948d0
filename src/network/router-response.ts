/** The web's `Response` made of an answer on the wire, without what `Response` hides from pages. */
import type { Bytes } from "../common/bytes.js";
import { decoded } from "./content-decoding.js";
import { NetworkError } from "./errors.js";
import type { HttpResponse } from "./http-message.js";
import { isNullBodyStatus } from "./http-syntax.js";

const READ_WHOLE = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

/** What a `Response` cannot be told, or forgets. */
interface Looks {
  readonly headers: Headers;
  readonly url: string;
  readonly redirected: boolean;
  /** what broke the body, once it is broken */
  readonly failure: { reason?: unknown };
}

/**
 * @param url where the answer came from in the end
 * @throws {NetworkError} `protocol`: a status that does not exist
 */
export function toResponse(answer: HttpResponse, url: string, redirected: boolean): Response {
  const { status } = answer;
  if (status > 599) {
    answer.body?.cancel().catch(() => undefined);
    throw new NetworkError("protocol", `the status ${status} does not exist`);
  }
  const headers = new Headers();
  for (const [name, value] of answer.headers) headers.append(name, value);
  // A reason phrase may have control characters on the wire, but not in a Response.
  const statusText = answer.statusText.replace(/[^\t\x20-\x7e\x80-\xff]/g, "");
  const failure = {};
  const body = isNullBodyStatus(status) ? null : decoded(answer).body;
  if (!body) void answer.body?.cancel().catch(() => undefined);
  const noted = body && noting(body, failure);
  const response = new Response(noted, { status, statusText, headers });
  return dressed(response, { headers, url, redirected, failure });
}

/** The same stream; what it fails with is kept in `failure`. */
function noting(body: ReadableStream<Bytes>, failure: Looks["failure"]): ReadableStream<Bytes> {
  const reader = body.getReader();
  return new ReadableStream(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          failure.reason = error;
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function dressed(response: Response, looks: Looks): Response {
  const { headers, url, redirected, failure } = looks;
  const clone = () =>
    dressed(Response.prototype.clone.call(response), { ...looks, headers: new Headers(headers) });
  const values = { headers, url, redirected, type: "basic", clone };
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(response, name, { value });
  // Chromium answers "Failed to fetch" for a body that broke, whatever broke it.
  const reason = (error: unknown) => ("reason" in failure ? failure.reason : error) as Error;
  const prototype = Response.prototype as Partial<Response>;
  for (const name of READ_WHOLE) {
    const read = prototype[name];
    if (!read) continue;
    const value = () =>
      read.call(response).catch((error: unknown) => Promise.reject(reason(error)));
    Object.defineProperty(response, name, { value });
  }
  return response;
}
