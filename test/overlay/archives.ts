/** Exported overlays built by hand, with right checksums around whatever is wrong in them. */
import { crc32 } from "../../src/common/crc32.js";
import { writeArchive } from "../../src/overlay/archive.js";
import type { OverlayShape } from "../../src/overlay/identity.js";

type Bytes = Uint8Array<ArrayBuffer>;

const JSON_AT = 20;
const SHA256_BYTES = 32;

/** Takes a file apart: JSON text of the header, and body. */
export function parts(file: Bytes): { json: string; body: Bytes } {
  const jsonEnd = JSON_AT + new DataView(file.buffer).getUint32(16, true);
  return {
    json: new TextDecoder().decode(file.subarray(JSON_AT, jsonEnd)),
    body: file.slice(jsonEnd + 4, file.length - SHA256_BYTES),
  };
}

/** Puts a file together. */
export async function together(file: Bytes, json: string, body: Uint8Array): Promise<Bytes> {
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(JSON_AT + text.length + 4 + body.length + SHA256_BYTES);
  bytes.set(file.subarray(0, 16));
  bytes.set(text, JSON_AT);
  bytes.set(body, JSON_AT + text.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, text.length, true);
  view.setUint32(JSON_AT + text.length, crc32(bytes.subarray(0, JSON_AT + text.length)), true);
  return seal(bytes);
}

/** Makes the SHA-256 at the end of these bytes right again. */
export async function seal(bytes: Bytes): Promise<Bytes> {
  const end = bytes.length - SHA256_BYTES;
  bytes.set(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.subarray(0, end))), end);
  return bytes;
}

/** The same file with another header: a text, or changed fields. */
export function changeHeader(file: Bytes, change: string | object): Promise<Bytes> {
  const { json, body } = parts(file);
  const text =
    typeof change === "string"
      ? change
      : JSON.stringify({ ...(JSON.parse(json) as object), ...change });
  return together(file, text, body);
}

/** The same file with another body, of which the header tells the right size. */
export function withBody(file: Bytes, change: (body: number[]) => number[]): Promise<Bytes> {
  const { json, body } = parts(file);
  const changed = Uint8Array.from(change([...body]));
  const fields = { ...(JSON.parse(json) as object), bodyBytes: changed.length };
  return together(file, JSON.stringify(fields), changed);
}

export interface ChunkRecord {
  readonly index: number;
  readonly chunk: Bytes;
  /** the right one when left out */
  readonly checksum?: number;
}

/** A file with these records as they are. */
export async function sealed(shape: OverlayShape, records: ChunkRecord[]): Promise<Bytes> {
  const empty = new Uint8Array(await (await writeArchive(shape, new Map())).arrayBuffer());
  const raw = records.flatMap(({ index, chunk, checksum = crc32(chunk) }) => [
    new Uint32Array([index, checksum]),
    chunk,
  ]);
  const body = await gzip(new Blob(raw));
  const { json } = parts(empty);
  const fields = {
    ...(JSON.parse(json) as object),
    chunks: records.length,
    bodyBytes: body.length,
  };
  return together(empty, JSON.stringify(fields), body);
}

export async function gzip(content: Blob): Promise<Bytes> {
  const stream = content.stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
