/**
 * Decompresses gzip files as OpenWrt publishes them: whatever follows the compressed data is ignored, as signatures and
 * metadata are appended there (OpenWrt, package/system/fwtool), and whatever is missing is an error. Node's own Gunzip
 * stumbles over the first in some cases, so only its inflate is used.
 *
 * @see RFC 1952
 */
import { createReadStream } from "node:fs";
import { createInflateRaw } from "node:zlib";
import type { ByteSource } from "../disk/byte-source.js";
import { crc32 } from "../disk/crc32.js";
import { CommandError, hasCode } from "./errors.js";
import { withSource } from "./file-source.js";

const FIXED_HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const DEFLATE = 8;

/** Flags of the header, RFC 1952, 2.3.1. */
const HAS_HEADER_CRC = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;

/** Most bytes a header may take, and most members a file may have: far more than any tool makes. */
const MAX_HEADER_BYTES = 128 * 1024;
const MAX_MEMBERS = 1024;

/** Whether these bytes begin as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === DEFLATE;
}

/**
 * @param path a file that begins as gzip does
 * @returns its decompressed bytes, a part at a time
 * @throws {CommandError} the file ends early or is damaged
 */
export async function* gunzip(path: string): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (let member = 0; member < MAX_MEMBERS; member++) {
    const header = await withSource(path, (file) => readHeader(file, start));
    if (header === undefined) return;
    const end = yield* inflate(path, start + header);
    start = end;
  }
  throw new CommandError(`The gzip file consists of more than ${MAX_MEMBERS} parts.`);
}

/**
 * @returns size of the header at this place; undefined when no gzip member begins here
 * @throws {CommandError} the file ends in the header
 */
async function readHeader(file: ByteSource, start: number): Promise<number | undefined> {
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
  if (at >= length) throw endsEarly();
  return at;
}

/** @returns where the member ends in the file */
async function* inflate(path: string, start: number): AsyncGenerator<Uint8Array, number> {
  const input = createReadStream(path, { start });
  const output = createInflateRaw();
  input.on("error", (error) => output.destroy(error));
  input.pipe(output);
  let checksum = 0;
  let length = 0;
  try {
    for await (const chunk of output as AsyncIterable<Uint8Array>) {
      checksum = crc32(chunk, checksum);
      length += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (hasCode(error, "Z_BUF_ERROR")) throw endsEarly();
    if (hasCode(error, "Z_DATA_ERROR")) throw damaged();
    throw error;
  } finally {
    input.destroy();
    output.destroy();
  }
  const end = start + output.bytesWritten;
  await checkTrailer(path, end, checksum, length);
  return end + TRAILER_BYTES;
}

async function checkTrailer(
  path: string,
  at: number,
  checksum: number,
  length: number,
): Promise<void> {
  const trailer = await withSource(path, (file) => {
    if (at + TRAILER_BYTES > file.byteLength) throw endsEarly();
    return file.read(at, TRAILER_BYTES);
  });
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  // The length is stored modulo 2^32.
  if (view.getUint32(0, true) !== checksum || view.getUint32(4, true) !== length % 2 ** 32)
    throw damaged();
}

function endsEarly(): CommandError {
  return new CommandError("The gzip file ends early: it is truncated. Download it again.");
}

function damaged(): CommandError {
  return new CommandError("The gzip file is damaged: its checksum is wrong. Download it again.");
}
