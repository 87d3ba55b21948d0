/**
 * How an overlay lies in one file: a header that says whose it is, then one record for each commit, each whole or not
 * there. Described in docs/storage-format.md. Everything begins at a multiple of 4,096 bytes, so that no block of the
 * device that holds something stored is ever written again.
 *
 * What a record holds is the guest's and may be made to look like a record; the file's own random number, which no guest
 * can know, is in each head and its checksum.
 */
import { crc32 } from "node:zlib";
import { StorageError } from "../../disk/errors.js";
import { isGeneration } from "../../disk/generation.js";
import type { OverlayShape } from "../../overlay/identity.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** Version of the file's format. A higher one is refused. */
export const LOG_FORMAT = 1;
/** A block of most devices and filesystems, in bytes. */
export const BLOCK_BYTES = 4096;

/** As in the file that is exported (overlay-archive-header.ts); padded. */
const MAGIC = new TextEncoder().encode("OWRTLOG\r\n\x1a\n\0");
const FORMAT_AT = MAGIC.length;
const JSON_BYTES_AT = FORMAT_AT + 4;
const SALT_AT = JSON_BYTES_AT + 4;
const SALT_BYTES = 16;
const JSON_AT = SALT_AT + SALT_BYTES;
/** Names have 64 characters, digests too. */
const MAX_JSON_BYTES = 2048;

/** "CMIT" */
const RECORD_MAGIC = 0x54494d43;
const COUNT_AT = 4;
const GENERATION_AT = 8;
const RECORD_SALT_AT = 16;
const ENTRIES_AT = RECORD_SALT_AT + SALT_BYTES;
const ENTRY_BYTES = 8;
const CRC_BYTES = 4;
/** In the number of an entry whose chunk is dropped, and has no content behind the head. */
const DROPPED = 0x8000_0000;

export interface LogHeader extends OverlayShape {
  /** milliseconds since 1970, of the first change or of the last that dropped everything before */
  readonly created: number;
  /** drawn for each file */
  readonly salt: Bytes;
}

/** One commit, as its head tells it. */
export interface LogRecord {
  readonly generation: number;
  readonly chunks: readonly LogEntry[];
  /** numbers of chunks that are stored no more */
  readonly dropped: readonly number[];
}

export interface LogEntry {
  /** number of the chunk */
  readonly index: number;
  readonly crc: number;
}

export function drawSalt(): Bytes {
  return crypto.getRandomValues(new Uint8Array(SALT_BYTES));
}

/** @returns the first block of a file */
export function encodeHeader({ salt, ...header }: LogHeader): Bytes {
  const { overlay, root, diskBytes, chunkBytes, created } = header;
  const json = new TextEncoder().encode(
    JSON.stringify({ overlay, root, diskBytes, chunkBytes, created }),
  );
  const block = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(block.buffer);
  block.set(MAGIC);
  view.setUint32(FORMAT_AT, LOG_FORMAT, true);
  view.setUint32(JSON_BYTES_AT, json.length, true);
  block.set(salt, SALT_AT);
  block.set(json, JSON_AT);
  seal(block);
  return block;
}

/**
 * @param block the first {@link BLOCK_BYTES} of a file, or all it has
 * @param shape what the machine wants
 * @throws {StorageError} `newer`, `damaged` or `mismatch`
 */
export function decodeHeader(block: Bytes, shape: OverlayShape): LogHeader {
  if (block.length < BLOCK_BYTES || MAGIC.some((byte, at) => block[at] !== byte))
    throw damaged("the file does not begin as one");
  const view = viewOf(block);
  if (view.getUint32(FORMAT_AT, true) > LOG_FORMAT) throw new StorageError("newer");
  const length = view.getUint32(JSON_BYTES_AT, true);
  if (!isSealed(block) || length > MAX_JSON_BYTES) throw damaged("the header is not one");
  const salt = block.slice(SALT_AT, SALT_AT + SALT_BYTES);
  const header = { ...parse(block.subarray(JSON_AT, JSON_AT + length)), salt };
  const same =
    header.overlay === shape.overlay &&
    header.root === shape.root &&
    header.diskBytes === shape.diskBytes &&
    header.chunkBytes === shape.chunkBytes;
  if (!same) throw new StorageError("mismatch");
  return header;
}

/** Bytes of a record's head, which says what the chunks behind it are. @param entries of chunks, dropped ones too */
export function headBytes(entries: number): number {
  const bytes = ENTRIES_AT + entries * ENTRY_BYTES + CRC_BYTES;
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Bytes of a whole record. */
export function recordBytes(chunks: number, chunkBytes: number, dropped = 0): number {
  return headBytes(chunks + dropped) + chunks * chunkBytes;
}

export function encodeHead({ generation, chunks, dropped }: LogRecord, salt: Bytes): Bytes {
  const entries = [
    ...chunks,
    ...dropped.map((index) => ({ index: (index | DROPPED) >>> 0, crc: 0 })),
  ];
  const head = new Uint8Array(headBytes(entries.length));
  const view = new DataView(head.buffer);
  view.setUint32(0, RECORD_MAGIC, true);
  view.setUint32(COUNT_AT, entries.length, true);
  view.setBigUint64(GENERATION_AT, BigInt(generation), true);
  head.set(salt, RECORD_SALT_AT);
  for (const [at, { index, crc }] of entries.entries()) {
    view.setUint32(ENTRIES_AT + at * ENTRY_BYTES, index, true);
    view.setUint32(ENTRIES_AT + at * ENTRY_BYTES + 4, crc, true);
  }
  seal(head);
  return head;
}

/**
 * @param block what stands where a head may begin, at least {@link BLOCK_BYTES} of it
 * @returns how many bytes its head has; `undefined` when it is none of this file
 */
export function headBytesOf(
  block: Bytes,
  { salt, diskBytes, chunkBytes }: LogHeader,
): number | undefined {
  if (block.length < BLOCK_BYTES) return undefined;
  const view = viewOf(block);
  const count = view.getUint32(COUNT_AT, true);
  const fits =
    view.getUint32(0, true) === RECORD_MAGIC &&
    count <= Math.ceil(diskBytes / chunkBytes) &&
    salt.every((byte, at) => block[RECORD_SALT_AT + at] === byte);
  return fits ? headBytes(count) : undefined;
}

/**
 * @param head of {@link headBytesOf} bytes
 * @returns `undefined` when it is damaged
 */
export function decodeHead(
  head: Bytes,
  { diskBytes, chunkBytes }: LogHeader,
): LogRecord | undefined {
  if (!isSealed(head)) return undefined;
  const view = viewOf(head);
  const generation = Number(view.getBigUint64(GENERATION_AT, true));
  const entries = Array.from({ length: view.getUint32(COUNT_AT, true) }, (_, at) => ({
    index: view.getUint32(ENTRIES_AT + at * ENTRY_BYTES, true),
    crc: view.getUint32(ENTRIES_AT + at * ENTRY_BYTES + 4, true),
  }));
  const chunks = entries.filter(({ index }) => index < DROPPED);
  const dropped = entries
    .filter(({ index }) => index >= DROPPED)
    .map(({ index }) => index - DROPPED);
  const numbers = [...chunks.map(({ index }) => index), ...dropped];
  const inside = numbers.every((index) => index < Math.ceil(diskBytes / chunkBytes));
  return isGeneration(generation) && inside ? { generation, chunks, dropped } : undefined;
}

export function damaged(cause: string): StorageError {
  return new StorageError("damaged", { cause });
}

function parse(json: Bytes): Omit<LogHeader, "salt"> {
  let value: Partial<Record<keyof LogHeader, unknown>>;
  try {
    value = (JSON.parse(new TextDecoder().decode(json)) ?? {}) as typeof value;
  } catch {
    throw damaged("the header is not one");
  }
  const { overlay, root, diskBytes, chunkBytes, created } = value;
  const good =
    typeof overlay === "string" &&
    typeof root === "string" &&
    typeof diskBytes === "number" &&
    typeof chunkBytes === "number" &&
    typeof created === "number";
  if (!good) throw damaged("the header is not one");
  return { overlay, root, diskBytes, chunkBytes, created };
}

/** Puts the checksum of whole blocks at their end. */
function seal(blocks: Bytes): void {
  const end = blocks.length - CRC_BYTES;
  viewOf(blocks).setUint32(end, crc32(blocks.subarray(0, end)), true);
}

function isSealed(blocks: Bytes): boolean {
  const end = blocks.length - CRC_BYTES;
  return viewOf(blocks).getUint32(end, true) === crc32(blocks.subarray(0, end));
}

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
