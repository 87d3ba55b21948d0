/**
 * The header of a gzip member, which is what has to be known to inflate what follows it.
 *
 * @see RFC 1952
 */
import type { ByteSource } from "./byte-source.js";
import { ImageError } from "./image-error.js";

const FIXED_HEADER_BYTES = 10;
const DEFLATE = 8;

/** Flags of the header, RFC 1952, 2.3.1. */
const HAS_HEADER_CRC = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;

/** Most bytes a header may take: far more than any tool makes. */
const MAX_HEADER_BYTES = 128 * 1024;

/** Whether these bytes begin as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === DEFLATE;
}

/**
 * @param start where a member may begin in the file
 * @returns size of its header in bytes; undefined when no member begins there
 * @throws {ImageError} `truncated`: the file ends in the header
 */
export async function gzipHeaderBytes(
  file: ByteSource,
  start: number,
): Promise<number | undefined> {
  const length = Math.min(MAX_HEADER_BYTES, file.byteLength - start);
  const bytes = await file.read(start, length);
  if (!isGzip(bytes)) return undefined;
  const flags = bytes[3] ?? 0;
  let at = FIXED_HEADER_BYTES;
  if (flags & HAS_EXTRA) at += 2 + (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 256;
  for (const text of [HAS_NAME, HAS_COMMENT])
    if (flags & text) {
      const zero = bytes.indexOf(0, at);
      at = zero === -1 ? length : zero + 1;
    }
  if (flags & HAS_HEADER_CRC) at += 2;
  if (at >= length) throw gzipEndsEarly();
  return at;
}

export function gzipEndsEarly(): ImageError {
  return new ImageError(
    "truncated",
    "The gzip file ends early: it is truncated. Download it again.",
  );
}
