/**
 * Copies of overlays: one file with the chunks somebody's router changed. Described in docs/archive-format.md.
 *
 * Reading gives all of it or nothing: whoever imports stores only what was returned. A file may come from anywhere, so
 * no size in it is believed before it was compared with the disk.
 */
import { ArchiveError } from "./archive-error.js";
import { chunkRecords, readRecords } from "./archive-chunks.js";
import {
  type ArchiveHeader,
  type ArchiveOwner,
  checkHeader,
  encodeHeader,
  headerBytes,
  parseHeader,
  PREFIX_BYTES,
  SHA256_BYTES,
} from "./archive-header.js";
import type { OverlayShape } from "./identity.js";
import { cutChunk } from "./rechunk.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is written into a file beside the chunks. */
export type ArchiveOrigin = ArchiveOwner &
  Pick<OverlayShape, "overlay" | "diskBytes" | "chunkBytes"> & {
    /** title and version of the firmware, told to who imports the file elsewhere; 200 characters of it are kept */
    readonly title?: string | undefined;
  };

/** @param chunks whole chunks by number, at one moment; not changed until this resolves */
export async function writeArchive(
  origin: ArchiveOrigin,
  chunks: ReadonlyMap<number, Bytes>,
): Promise<Blob> {
  const compressed = chunkRecords(chunks).pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(compressed).arrayBuffer();
  const { overlay, root, firmware, title, diskBytes, chunkBytes } = origin;
  const header = encodeHeader({
    overlay,
    ...(root === undefined ? { firmware } : { root }),
    ...(title && { firmwareTitle: title }),
    diskBytes,
    chunkBytes,
    created: Date.now(),
    chunks: chunks.size,
    bodyBytes: body.byteLength,
  });
  const content = new Blob([header, body]);
  return new Blob([content, await sha256(content)], { type: "application/octet-stream" });
}

/**
 * @param expected the router that takes the chunks; its overlay may have another name than the exported one
 * @returns whole chunks by number, of the expected size
 * @throws {ArchiveError} for every reason why the file cannot be used
 */
export async function readArchive(file: Blob, expected: OverlayShape): Promise<Map<number, Bytes>> {
  const bodyAt = headerBytes(await bytesOf(file.slice(0, PREFIX_BYTES)));
  if (file.size < bodyAt) throw new ArchiveError("truncated");
  const header = parseHeader(await bytesOf(file.slice(0, bodyAt)));
  checkHeader(header, expected);
  const end = bodyAt + header.bodyBytes;
  if (file.size < end + SHA256_BYTES) throw new ArchiveError("truncated");
  if (file.size > end + SHA256_BYTES)
    throw new ArchiveError("damaged", "there is something behind its end");
  await checkDigest(file.slice(0, end), await bytesOf(file.slice(end)));
  const chunks = await readBody(file.slice(bodyAt, end), header);
  if (header.chunkBytes === expected.chunkBytes) return chunks;
  const { chunkBytes, diskBytes } = expected;
  return new Map(
    [...chunks].flatMap(([index, chunk]) => cutChunk(index, chunk, chunkBytes, diskBytes)),
  );
}

async function checkDigest(content: Blob, expected: Bytes): Promise<void> {
  const digest = await sha256(content);
  if (digest.some((byte, at) => byte !== expected[at]))
    throw new ArchiveError("damaged", "its checksum is wrong");
}

async function readBody(body: Blob, header: ArchiveHeader): Promise<Map<number, Bytes>> {
  try {
    return await readRecords(body.stream().pipeThrough(new DecompressionStream("gzip")), header);
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause;
    throw new ArchiveError("damaged", "it cannot be decompressed", { cause });
  }
}

async function sha256(content: Blob): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await content.arrayBuffer()));
}

async function bytesOf(blob: Blob): Promise<Bytes> {
  return new Uint8Array(await blob.arrayBuffer());
}
