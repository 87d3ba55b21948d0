/** Undoes a body's Content-Encoding, as `fetch` does: what `accept-encoding` of router-fetch.ts offers. */
import { NetworkError } from "./errors.js";

/** What is offered to the server. */
export const ACCEPTED_ENCODINGS = "gzip, deflate";

const FORMATS: Readonly<Record<string, CompressionFormat>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};

/**
 * @param encodings value of Content-Encoding; one that we do not know leaves the body as it is
 * @returns a stream that fails with {@link NetworkError} `protocol` where the body is not what it says
 */
export function decodeBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  encodings: string,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const names = encodings.toLowerCase().split(",");
  const formats = names
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity")
    .map((name) => FORMATS[name]);
  let decoded = body;
  for (const format of formats.reverse()) {
    if (!format) return body;
    decoded = decompress(decoded, format);
  }
  return decoded;
}

function decompress(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  format: CompressionFormat,
): ReadableStream<Uint8Array<ArrayBuffer>> {
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
