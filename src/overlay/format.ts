/**
 * What stands in an overlay's database, format 4. Described in docs/storage-format.md.
 *
 * The database's own version number says which format it is; the header repeats it.
 */
import { promisifyRequest } from "idb-keyval";
import { StorageError } from "../disk/errors.js";
import { isGeneration } from "../disk/generation.js";
import type { OverlayShape } from "./identity.js";

/** Version of what is stored. A higher one is refused and left untouched. */
export const OVERLAY_FORMAT = 4;

export const OBJECT_STORE = "overlay";
export const HEADER = "header";
export const GENERATION = "generation";
export const MOVED = "moved";

/** Stored with the first change of an overlay, and with every one that drops all chunks. */
export interface OverlayHeader extends Omit<OverlayShape, "former"> {
  readonly format: number;
  /** milliseconds since 1970, of that change */
  readonly created: number;
}

/** Which content it is, and since when; stored in the transaction of every change. */
export interface Generation {
  /** see src/disk/generation.ts */
  readonly number: number;
  /** milliseconds since 1970; formats 1 to 3 do not tell it */
  readonly changed?: number | undefined;
}

/** Says that the overlay was brought here from an older format, from then until the old database is deleted. */
export interface Moved {
  /** name of the old database */
  readonly from: string;
  /** its generation; format 1 has none */
  readonly generation?: number | undefined;
}

/** What is known of something, and must be the same in what is read. */
export type Known<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

/** All but the chunks' bytes. */
export interface OverlayHead {
  readonly header: OverlayHeader;
  readonly generation: Generation;
  readonly moved: Moved | undefined;
  /** numbers of the stored chunks */
  readonly indexes: readonly number[];
}

/** @returns the header of an overlay that begins now, or began at another time */
export function newHeader(shape: OverlayShape, created = Date.now()): OverlayHeader {
  const { overlay, root, diskBytes, chunkBytes, title } = shape;
  return {
    ...{ format: OVERLAY_FORMAT, overlay, root, diskBytes, chunkBytes, created },
    ...(title !== undefined && { title }),
  };
}

/**
 * Reads everything but the chunks' bytes and checks it.
 *
 * @param shape what of it is known, and must be the same
 * @returns undefined when nothing was ever written
 * @throws {StorageError} `newer`, `mismatch` or `damaged`
 */
export async function readHead(
  store: IDBObjectStore,
  shape: Known<OverlayShape>,
): Promise<OverlayHead | undefined> {
  const [header, generation, moved, keys] = await Promise.all([
    promisifyRequest<unknown>(store.get(HEADER)),
    promisifyRequest<unknown>(store.get(GENERATION)),
    promisifyRequest<unknown>(store.get(MOVED)),
    promisifyRequest(store.getAllKeys()),
  ]);
  if (header === undefined) {
    if (keys.length > 0) throw damaged("there are keys and no header");
    return undefined;
  }
  checkHeader(header, shape);
  const indexes = chunkIndexes(keys, header);
  if (!isStoredGeneration(generation)) throw damaged("the generation is none");
  if (moved !== undefined && !isMoved(moved)) throw damaged("the mark of a move is none");
  return { header, generation, moved, indexes };
}

/**
 * @param keys every key of the database
 * @returns the chunks' numbers
 * @throws {StorageError} `damaged` when there are others
 */
export function chunkIndexes(
  keys: readonly IDBValidKey[],
  shape: Pick<OverlayShape, "diskBytes" | "chunkBytes">,
  others: readonly string[] = [HEADER, GENERATION, MOVED],
): number[] {
  const chunks = Math.ceil(shape.diskBytes / shape.chunkBytes);
  return keys
    .filter((key) => typeof key !== "string" || !others.includes(key))
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
  chunkBytes: number,
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
 * All chunks of a store, as they are cut there.
 *
 * @param indexes their numbers
 * @throws {StorageError} as {@link checkChunk}
 */
export async function readChunks(
  store: IDBObjectStore,
  indexes: readonly number[],
  chunkBytes: number,
): Promise<Map<number, Uint8Array<ArrayBuffer>>> {
  const values = await Promise.all(
    indexes.map((index) => promisifyRequest<unknown>(store.get(index))),
  );
  return new Map(
    values.map((value, at) => {
      const index = indexes[at] ?? NaN;
      return [index, checkChunk(value, index, chunkBytes)];
    }),
  );
}

function checkHeader(value: unknown, shape: Known<OverlayShape>): asserts value is OverlayHeader {
  const header = (value ?? {}) as Partial<Record<keyof OverlayHeader, unknown>>;
  if (typeof header.format === "number" && header.format > OVERLAY_FORMAT)
    throw new StorageError("newer");
  const good =
    header.format === OVERLAY_FORMAT &&
    typeof header.overlay === "string" &&
    typeof header.root === "string" &&
    isSize(header.diskBytes) &&
    isSize(header.chunkBytes) &&
    typeof header.created === "number" &&
    (header.title === undefined || typeof header.title === "string");
  if (!good) throw damaged("the header is not one");
  const { overlay, root, diskBytes, chunkBytes } = shape;
  const expected = Object.entries({ overlay, root, diskBytes, chunkBytes });
  const same = expected.every(
    ([key, wanted]) => wanted === undefined || header[key as keyof OverlayHeader] === wanted,
  );
  if (!same) throw new StorageError("mismatch");
}

function isStoredGeneration(value: unknown): value is Generation {
  const { number, changed } = (value ?? {}) as Partial<Record<keyof Generation, unknown>>;
  return isGeneration(number) && (changed === undefined || Number.isFinite(changed));
}

function isMoved(value: unknown): value is Moved {
  const { from, generation } = (value ?? {}) as Partial<Record<keyof Moved, unknown>>;
  return typeof from === "string" && (generation === undefined || isGeneration(generation));
}

/** Whether this can be the size of a disk or a chunk, in bytes. */
export function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

export function damaged(cause: string): StorageError {
  return new StorageError("damaged", { cause });
}
