/**
 * Downloads whose size is known before. Never holds more bytes than were announced, and never hands out bytes whose
 * digest was not checked.
 */
import { sha256 } from "./digest.js";
import { FirmwareError } from "./errors.js";
import { type FileIdentity, MAX_MANIFEST_BYTES } from "./manifest.js";

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** called with the bytes of this file that are there; begins again at 0 when the download is tried again */
  readonly onBytes?: (loaded: number) => void;
}

/**
 * Downloads a file and checks it; tries once more past all HTTP caches when that fails.
 *
 * @param url without query; the digest's beginning is added, so that a cache may keep the file for ever
 * @throws {FirmwareError} `missing-file`, `network`, `short`, `long`, `damaged`, `insecure` or `memory`
 * @throws the signal's reason, when it is aborted
 */
export async function downloadFile(
  url: URL,
  expected: FileIdentity,
  options: DownloadOptions,
): Promise<ArrayBuffer> {
  const versioned = new URL(url);
  versioned.searchParams.set("sha256", expected.sha256.slice(0, 16));
  try {
    return await attempt(versioned, expected, "default", options);
  } catch (error) {
    options.signal?.throwIfAborted();
    const hopeless =
      !(error instanceof FirmwareError) || ["insecure", "memory"].includes(error.problem);
    if (hopeless) throw error;
    return attempt(versioned, expected, "reload", options);
  }
}

/**
 * Downloads a small text, asking the server whether a cached one is still good.
 *
 * @returns at most 64 KiB of text; undefined when the site has no such file
 * @throws {FirmwareError} `network` or `long`
 * @throws the signal's reason, when it is aborted
 */
export async function downloadText(url: URL, signal?: AbortSignal): Promise<string | undefined> {
  const response = await request(url, "no-cache", signal);
  if (!response) return undefined;
  const buffer = new Uint8Array(MAX_MANIFEST_BYTES);
  const length = await fill(buffer, response, url, { signal });
  return new TextDecoder().decode(buffer.subarray(0, length));
}

async function attempt(
  url: URL,
  expected: FileIdentity,
  cache: RequestCache,
  options: DownloadOptions,
): Promise<ArrayBuffer> {
  options.onBytes?.(0);
  const response = await request(url, cache, options.signal);
  if (!response) throw new FirmwareError("missing-file", fileName(url));
  const buffer = allocate(expected.bytes, url);
  const length = await fill(buffer, response, url, options);
  if (length < expected.bytes) throw new FirmwareError("short", fileName(url));
  if ((await sha256(buffer)) !== expected.sha256) throw new FirmwareError("damaged", fileName(url));
  return buffer.buffer;
}

/** @returns undefined when the server says that there is no such file */
async function request(
  url: URL,
  cache: RequestCache,
  signal: AbortSignal | undefined,
): Promise<Response | undefined> {
  let response: Response;
  try {
    response = await fetch(url, { cache, signal: signal ?? null });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new FirmwareError("network", fileName(url), { cause });
  }
  if (response.ok) return response;
  await response.body?.cancel();
  if (response.status === 404 || response.status === 410) return undefined;
  throw new FirmwareError("network", fileName(url), { cause: `HTTP ${response.status}` });
}

/**
 * Reads the response into the buffer, and stops at the first byte too many.
 *
 * @returns number of bytes that came
 */
async function fill(
  buffer: Uint8Array,
  response: Response,
  url: URL,
  { signal, onBytes }: DownloadOptions,
): Promise<number> {
  const reader = response.body?.getReader();
  let length = 0;
  try {
    for (;;) {
      const part = await reader?.read();
      if (!part || part.done) return length;
      if (length + part.value.length > buffer.length)
        throw new FirmwareError("long", fileName(url));
      buffer.set(part.value, length);
      length += part.value.length;
      onBytes?.(length);
    }
  } catch (cause) {
    reader?.cancel().catch(() => undefined);
    signal?.throwIfAborted();
    if (cause instanceof FirmwareError) throw cause;
    throw new FirmwareError("network", fileName(url), { cause });
  }
}

function allocate(bytes: number, url: URL): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new FirmwareError("memory", fileName(url), { cause });
  }
}

function fileName(url: URL): string {
  return decodeURIComponent(url.pathname.split("/").slice(-2).join("/"));
}
