/**
 * What stands in an overlay's database, format 3. Described in docs/storage-format.md.
 *
 * The database's own version number says which format it is, and nothing else does: IndexedDB changes it in one
 * transaction with what an upgrade (overlay-upgrade.ts) writes. The header repeats it for pages of format 1, which look there.
 */
import { promisifyRequest } from "idb-keyval";
import { StorageError } from "./errors.js";
import { isGeneration } from "./generation.js";

/** Version of what is stored. A higher one is refused and left untouched. */
export const OVERLAY_FORMAT = 3;

export const OBJECT_STORE = "overlay";
export const HEADER = "header";
export const GENERATION = "generation";

/** What an overlay belongs to. Only a machine with the same three may read or write it. */
export interface OverlayIdentity {
  /** name given by the person or the page, for example "default" */
  readonly overlay: string;
  /** SHA-256 of the firmware, lower-case hex */
  readonly firmware: string;
  /** size of the disk in bytes */
  readonly diskBytes: number;
}

/** An overlay's identity, and how its disk is cut. */
export interface OverlayShape extends OverlayIdentity {
  readonly chunkBytes: number;
}

/** Stored with the first change of an overlay, and with every one that drops all chunks. */
export interface OverlayHeader extends OverlayShape {
  readonly format: number;
  /** milliseconds since 1970, of that change */
  readonly created: number;
}

/** Name of the database, and of the lock, of an overlay. */
export function overlayKey(identity: Pick<OverlayIdentity, "overlay" | "firmware">): string {
  return `openwrt-playground/${identity.overlay}/${identity.firmware}`;
}

/** @returns the header of an overlay that begins now */
export function newHeader({ overlay, firmware, diskBytes, chunkBytes }: OverlayShape) {
  const header: OverlayHeader = {
    format: OVERLAY_FORMAT,
    overlay,
    firmware,
    diskBytes,
    chunkBytes,
    created: Date.now(),
  };
  return header;
}

/**
 * Reads everything but the chunks' bytes and checks it.
 *
 * @returns whether there is a header, and the generation, 0 when nothing was ever written
 * @throws {StorageError} `newer`, `mismatch` or `damaged`
 */
export async function readOverlay(
  store: IDBObjectStore,
  shape: OverlayShape,
): Promise<{ hasHeader: boolean; generation: number }> {
  const header = await readHeader(store, shape, OVERLAY_FORMAT);
  const generation = await readGeneration(store);
  if (!header && generation === undefined) return { hasHeader: false, generation: 0 };
  if (!header) throw damaged("there is a generation and no header");
  if (generation === undefined) throw damaged("there is a header and no generation");
  return { hasHeader: true, generation };
}

/** @throws {StorageError} `damaged` */
export async function readGeneration(store: IDBObjectStore): Promise<number | undefined> {
  const generation: unknown = await promisifyRequest<unknown>(store.get(GENERATION));
  if (generation !== undefined && !isGeneration(generation))
    throw damaged("the generation is not a number from 1 on");
  return generation;
}

/**
 * @param keys every key of the database
 * @returns the chunks' numbers
 * @throws {StorageError} `damaged` when there are others
 */
export function chunkIndexes(keys: readonly IDBValidKey[], shape: OverlayShape): number[] {
  const chunks = Math.ceil(shape.diskBytes / shape.chunkBytes);
  return keys
    .filter((key) => key !== HEADER && key !== GENERATION)
    .map((key) => {
      const inside = typeof key === "number" && Number.isInteger(key) && key >= 0 && key < chunks;
      if (!inside) throw damaged("a key is not the number of a chunk of the disk");
      return key;
    });
}

/**
 * @param value what is stored under a chunk's number
 * @throws {StorageError} `gone` when it is nothing, `damaged` when it is not a chunk
 */
export function checkChunk(
  value: unknown,
  index: number,
  { chunkBytes }: OverlayShape,
): Uint8Array<ArrayBuffer> {
  if (value === undefined) throw new StorageError("gone", { cause: `chunk ${index} is missing` });
  const whole =
    value instanceof Uint8Array &&
    value.length === chunkBytes &&
    value.buffer.byteLength === chunkBytes;
  if (!whole) throw damaged(`chunk ${index} is not ${chunkBytes} bytes`);
  return value as Uint8Array<ArrayBuffer>;
}

/**
 * Reads the header and checks it and every key.
 *
 * @param format which one it must be of
 * @returns `undefined` when nothing was ever written
 * @throws {StorageError} `newer`, `mismatch` or `damaged`
 */
export async function readHeader(
  store: IDBObjectStore,
  shape: OverlayShape,
  format: number,
): Promise<OverlayHeader | undefined> {
  const header: unknown = await promisifyRequest<unknown>(store.get(HEADER));
  if (header !== undefined) checkHeader(header, shape, format);
  const chunks = chunkIndexes(await promisifyRequest(store.getAllKeys()), shape);
  if (header === undefined && chunks.length > 0) throw damaged("there are chunks and no header");
  return header;
}

function checkHeader(
  value: unknown,
  shape: OverlayShape,
  format: number,
): asserts value is OverlayHeader {
  const header = (value ?? {}) as Partial<Record<keyof OverlayHeader, unknown>>;
  if (typeof header.format === "number" && header.format > OVERLAY_FORMAT)
    throw new StorageError("newer");
  const good =
    header.format === format &&
    typeof header.overlay === "string" &&
    typeof header.firmware === "string" &&
    typeof header.diskBytes === "number" &&
    typeof header.chunkBytes === "number" &&
    typeof header.created === "number";
  if (!good) throw damaged("the header is not one");
  const same =
    header.overlay === shape.overlay &&
    header.firmware === shape.firmware &&
    header.diskBytes === shape.diskBytes &&
    header.chunkBytes === shape.chunkBytes;
  if (!same) throw new StorageError("mismatch");
}

export function damaged(cause: string): StorageError {
  return new StorageError("damaged", { cause });
}
