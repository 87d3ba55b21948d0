/**
 * Decompresses gzip files as OpenWrt publishes them: whatever follows the compressed data is ignored, as signatures and
 * metadata are appended there (OpenWrt, package/system/fwtool), and whatever is missing is an error. Node's own Gunzip
 * stumbles over the first in some cases, so only its inflate is used.
 *
 * @see RFC 1952
 */
import { createReadStream } from "node:fs";
import { createInflateRaw } from "node:zlib";
import { crc32 } from "../common/crc32.js";
import { gzipEndsEarly, gzipHeaderBytes } from "../image/gzip.js";
import { CommandError, hasCode } from "./errors.js";
import { withSource } from "./file-source.js";

const TRAILER_BYTES = 8;
/** Most members a file may have: far more than any tool makes. */
const MAX_MEMBERS = 1024;

/**
 * @param path a file that begins as gzip does
 * @returns its decompressed bytes, a part at a time
 * @throws {CommandError | ImageError} the file ends early or is damaged
 */
export async function* gunzip(path: string): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (let member = 0; member < MAX_MEMBERS; member++) {
    const header = await withSource(path, (file) => gzipHeaderBytes(file, start));
    if (header === undefined) return;
    const end = yield* inflate(path, start + header);
    start = end;
  }
  throw new CommandError(`The gzip file consists of more than ${MAX_MEMBERS} parts.`);
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
    if (hasCode(error, "Z_BUF_ERROR")) throw gzipEndsEarly();
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
    if (at + TRAILER_BYTES > file.byteLength) throw gzipEndsEarly();
    return file.read(at, TRAILER_BYTES);
  });
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  // The length is stored modulo 2^32.
  if (view.getUint32(0, true) !== checksum || view.getUint32(4, true) !== length % 2 ** 32)
    throw damaged();
}

function damaged(): CommandError {
  return new CommandError("The gzip file is damaged: its checksum is wrong. Download it again.");
}
