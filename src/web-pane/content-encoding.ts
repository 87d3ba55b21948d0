/** Undoes Content-Encoding: browsers do so for what comes from a network, and not for what a service worker makes. */
import { NetworkError } from "../network/errors.js";
import type { HttpResponse } from "../network/http-message.js";
import { valuesOf } from "./header-rules.js";

const FORMATS: Record<string, CompressionFormat> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};

/**
 * @returns the answer without an encoding
 * @throws {NetworkError} an encoding that was not asked for and is not known
 */
export async function decoded(response: HttpResponse): Promise<HttpResponse> {
  const encodings = valuesOf(response.headers, "content-encoding")
    .flatMap((value) => value.toLowerCase().split(","))
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== "" && encoding !== "identity");
  if (encodings.length === 0) return response;
  let { body } = response;
  for (const encoding of encodings.reverse()) {
    const format = FORMATS[encoding];
    if (!format) {
      await body?.cancel().catch(() => undefined);
      throw new NetworkError("protocol", `content encoding ${encoding}`);
    }
    body = body?.pipeThrough(new DecompressionStream(format)) ?? null;
  }
  const headers = response.headers.filter(
    ([name]) => !["content-encoding", "content-length"].includes(name.toLowerCase()),
  );
  return { ...response, headers, body };
}
