/** Undoes an answer's Content-Encoding, which is `fetch`'s task in a browser, and for `fetch` only. */
import type { Bytes } from "../common/bytes.js";
import { NetworkError } from "./errors.js";
import type { HttpResponse } from "./http-message.js";
import { valuesOf } from "./http-syntax.js";

/** What is offered to the server. */
export const ACCEPTED_ENCODINGS = "gzip, deflate";

const FORMATS: ReadonlyMap<string, CompressionFormat> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

/**
 * @returns the answer with its body as it was before it was encoded, and without the fields that speak of the encoded
 *   one; the answer as it is where it has no body, no encoding, or one that we do not know. The body fails with
 *   {@link NetworkError} `protocol` where it is not what its header says; an empty one passes for any encoding
 */
export function decoded(response: HttpResponse): HttpResponse {
  const formats = valuesOf(response.headers, "content-encoding")
    .flatMap((value) => value.toLowerCase().split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity")
    .map((name) => FORMATS.get(name));
  let { body } = response;
  if (!body || formats.length === 0) return response;
  const known = formats.filter((format) => format !== undefined);
  if (known.length < formats.length) return response;
  for (const format of known.reverse()) body = decompress(body, format);
  const headers = response.headers.filter(
    ([name]) => !["content-encoding", "content-length"].includes(name.toLowerCase()),
  );
  return { ...response, headers, body };
}

function decompress(body: ReadableStream<Bytes>, format: CompressionFormat): ReadableStream<Bytes> {
  const source = body.getReader();
  const { readable, writable } = new DecompressionStream(format);
  const output = readable.getReader();
  const input = writable.getWriter();
  let lost: { readonly reason: unknown } | undefined;
  let isEmpty = true;
  source.closed.catch((reason: unknown) => (lost = { reason }));

  const feed = async () => {
    for (;;) {
      const { done, value } = await source.read();
      if (done) return input.close();
      isEmpty = false;
      await input.write(value);
    }
  };
  /** Rejects when the body was lost or is damaged; never resolves. */
  const failed = () =>
    new Promise<never>((_, reject) => {
      feed().catch(reject);
    });
  let failure: Promise<never> | undefined;

  return new ReadableStream(
    {
      pull: async (controller) => {
        failure ??= failed();
        try {
          const { done, value } = await Promise.race([output.read(), failure]);
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (cause) {
          input.abort(cause).catch(() => undefined);
          source.cancel(cause).catch(() => undefined);
          if (lost) throw lost.reason;
          // Some servers say "gzip" of nothing at all.
          if (isEmpty) controller.close();
          else throw new NetworkError("protocol", "its compressed body is damaged", { cause });
        }
      },
      cancel: async (reason) => {
        await Promise.allSettled([source.cancel(reason), input.abort(reason)]);
      },
    },
    { highWaterMark: 0 },
  );
}
