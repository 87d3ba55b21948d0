/**
 * The beginning of an exported overlay: what it is, what it belongs to and how long it is. Described in
 * docs/archive-format.md.
 */
import { ArchiveError } from "./archive-error.js";
import { crc32 } from "../common/crc32.js";
import type { OverlayShape } from "./identity.js";

/** Version of the file's format. A higher one is refused. */
export const ARCHIVE_FORMAT = 2;
/** The one in which an overlay belonged to root and kernel together. */
const FORMER_FORMAT = 1;

/** Begins every file; the last four bytes are what a transfer as text would change. */
const MAGIC = new TextEncoder().encode("OWRTPLAY\r\n\x1a\n");
/** magic, format and length of the JSON text */
export const PREFIX_BYTES = MAGIC.length + 8;
export const MAX_JSON_BYTES = 64 * 1024;
export const CRC_BYTES = 4;
export const SHA256_BYTES = 32;
/** Largest chunk size that is taken, in bytes; the exports of older versions have 65,536. */
const MAX_CHUNK_BYTES = 1024 * 1024;
/** number and checksum before each chunk */
export const RECORD_HEADER_BYTES = 8;

/** gzip makes what it cannot compress at most 1/1000 longer, and adds less than 100 bytes. */
const MAX_EXPANSION = 1.01;
const MAX_EXTRA_BYTES = 1024;
const MAX_TEXT_CHARACTERS = 200;

/**
 * What the chunks of a file belong to: SHA-256 of the root image; or, in files of version 1 and of overlays that nobody
 * knows the root of, of root and kernel together.
 */
export type ArchiveOwner =
  | { readonly root: string; readonly firmware?: never }
  | { readonly firmware: string; readonly root?: never };

/** What the header of a file says. */
export type ArchiveHeader = ArchiveOwner & {
  /** name of the overlay that it was made of, for people */
  readonly overlay: string;
  /** size of the disk and of a chunk in bytes */
  readonly diskBytes: number;
  readonly chunkBytes: number;
  /** title and version of the firmware, for people */
  readonly firmwareTitle?: string;
  /** when the file was made, in milliseconds since 1970 */
  readonly created: number;
  /** number of chunks in the file */
  readonly chunks: number;
  /** size of the compressed chunks in bytes */
  readonly bodyBytes: number;
};

/** @returns everything before the body */
export function encodeHeader(header: ArchiveHeader): Uint8Array<ArrayBuffer> {
  const { overlay, firmwareTitle } = header;
  const short = {
    ...header,
    overlay: overlay.slice(0, MAX_TEXT_CHARACTERS),
    ...(firmwareTitle !== undefined && {
      firmwareTitle: firmwareTitle.slice(0, MAX_TEXT_CHARACTERS),
    }),
  };
  const json = new TextEncoder().encode(JSON.stringify(short));
  const bytes = new Uint8Array(PREFIX_BYTES + json.length + CRC_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  const format = header.root === undefined ? FORMER_FORMAT : ARCHIVE_FORMAT;
  view.setUint32(MAGIC.length, format, true);
  view.setUint32(MAGIC.length + 4, json.length, true);
  bytes.set(json, PREFIX_BYTES);
  const end = PREFIX_BYTES + json.length;
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

/**
 * @param prefix the file's first {@link PREFIX_BYTES} bytes, or all when it has less
 * @returns number of bytes before the body
 * @throws {ArchiveError} `not-archive`, `newer`, `truncated` or `damaged`
 */
export function headerBytes(prefix: Uint8Array): number {
  const begins = MAGIC.every((byte, at) => at >= prefix.length || prefix[at] === byte);
  if (!begins) throw new ArchiveError("not-archive");
  if (prefix.length < PREFIX_BYTES) throw new ArchiveError("truncated");
  const view = viewOf(prefix);
  const format = view.getUint32(MAGIC.length, true);
  if (format > ARCHIVE_FORMAT) throw new ArchiveError("newer");
  const jsonBytes = view.getUint32(MAGIC.length + 4, true);
  if (format < 1 || jsonBytes > MAX_JSON_BYTES)
    throw new ArchiveError("damaged", "its header has no sensible size");
  return PREFIX_BYTES + jsonBytes + CRC_BYTES;
}

/**
 * @param bytes the bytes before the body
 * @throws {ArchiveError} `damaged`
 */
export function parseHeader(bytes: Uint8Array): ArchiveHeader {
  const end = bytes.length - CRC_BYTES;
  if (crc32(bytes.subarray(0, end)) !== viewOf(bytes).getUint32(end, true))
    throw new ArchiveError("damaged", "the checksum of its header is wrong");
  const header = parseJson(bytes.subarray(PREFIX_BYTES, end));
  const { firmwareTitle } = header;
  const format = viewOf(bytes).getUint32(MAGIC.length, true);
  return {
    overlay: text(header, "overlay"),
    ...(format === FORMER_FORMAT
      ? { firmware: digest(header, "firmware") }
      : { root: digest(header, "root") }),
    ...(firmwareTitle !== undefined && { firmwareTitle: text(header, "firmwareTitle") }),
    diskBytes: whole(header, "diskBytes"),
    chunkBytes: whole(header, "chunkBytes"),
    created: whole(header, "created"),
    chunks: whole(header, "chunks"),
    bodyBytes: whole(header, "bodyBytes"),
  };
}

/**
 * Checks that a file belongs to a router, and that all its sizes are within what that router's disk allows.
 *
 * @param expected the router's; its overlay may have another name
 * @throws {ArchiveError} `other-firmware`, `other-disk` or `damaged`
 */
export function checkHeader(header: ArchiveHeader, expected: OverlayShape): void {
  const { root, firmware, firmwareTitle, diskBytes, chunkBytes, chunks, bodyBytes } = header;
  const belongs =
    firmware === undefined ? root === expected.root : expected.former?.includes(firmware);
  if (!belongs)
    throw new ArchiveError(
      "other-firmware",
      `${firmwareTitle ? `“${firmwareTitle}”, ` : ""}digest ${(root ?? firmware).slice(0, 16)}`,
    );
  // Larger chunks can be cut, smaller ones would need what lies below the overlay.
  const fits = chunkBytes % expected.chunkBytes === 0 && chunkBytes > 0;
  if (diskBytes !== expected.diskBytes || !fits || chunkBytes > MAX_CHUNK_BYTES)
    throw new ArchiveError(
      "other-disk",
      `${diskBytes} bytes in pieces of ${chunkBytes}, where this one has ${expected.diskBytes} in pieces of ${expected.chunkBytes}`,
    );
  const most = chunks * (RECORD_HEADER_BYTES + chunkBytes) * MAX_EXPANSION + MAX_EXTRA_BYTES;
  if (chunks > Math.ceil(diskBytes / chunkBytes) || bodyBytes > most)
    throw new ArchiveError("damaged", "it announces more than the disk has");
}

type Field = "root" | "firmware" | keyof ArchiveHeader;
type Fields = Partial<Record<Field, unknown>>;

function parseJson(bytes: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ArchiveError("damaged", "its header is not JSON", { cause });
  }
  if (typeof value !== "object" || value === null)
    throw new ArchiveError("damaged", "its header is not an object");
  return value;
}

function text(fields: Fields, key: Field): string {
  const value = fields[key];
  if (typeof value !== "string" || value.length > MAX_TEXT_CHARACTERS)
    throw new ArchiveError("damaged", `"${key}" is not a text`);
  return value;
}

function digest(fields: Fields, key: Field): string {
  const value = fields[key];
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value))
    throw new ArchiveError("damaged", `"${key}" is not a SHA-256`);
  return value;
}

function whole(fields: Fields, key: Field): number {
  const value = fields[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new ArchiveError("damaged", `"${key}" is not a whole number`);
  return value;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
