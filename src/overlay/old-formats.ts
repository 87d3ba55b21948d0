/**
 * What stands in the database of an overlay of format 1, 2 or 3, where it belonged to root and kernel together. Only
 * ever read; move.ts brings it into today's format. The formats are in docs/storage-format.md.
 */
import { promisifyRequest } from "idb-keyval";
import { StorageError } from "../disk/errors.js";
import { isGeneration } from "../disk/generation.js";
import {
  chunkIndexes,
  damaged,
  GENERATION,
  HEADER,
  isSize,
  type Known,
  readChunks,
} from "./format.js";
import { cutChunk } from "./rechunk.js";

/** What differs between them. */
const FORMATS: Record<number, { readonly chunkBytes: number; readonly counts: boolean }> = {
  1: { chunkBytes: 65_536, counts: false },
  2: { chunkBytes: 65_536, counts: true },
  3: { chunkBytes: 32_768, counts: true },
};

/** A database with a higher version is not one of an old format. */
export const LAST_OLD_FORMAT = 3;

export interface OldHeader {
  readonly format: number;
  readonly overlay: string;
  /** SHA-256 of root and kernel together, hex */
  readonly firmware: string;
  readonly diskBytes: number;
  readonly chunkBytes: number;
  /** milliseconds since 1970 */
  readonly created: number;
}

export interface OldHead {
  readonly header: OldHeader;
  /** undefined in format 1, which counts nothing */
  readonly generation: number | undefined;
  readonly indexes: readonly number[];
}

/**
 * Reads everything but the chunks' bytes and checks it.
 *
 * @param format version of the database
 * @param expected what of it is known, and must be the same
 * @returns undefined when nothing was ever written
 * @throws {StorageError} `newer`, `mismatch` or `damaged`
 */
export async function readOldHead(
  store: IDBObjectStore,
  format: number,
  expected: Known<OldHeader>,
): Promise<OldHead | undefined> {
  const rules = FORMATS[format];
  if (!rules) throw new StorageError("newer");
  const [header, generation, keys] = await Promise.all([
    promisifyRequest<unknown>(store.get(HEADER)),
    promisifyRequest<unknown>(store.get(GENERATION)),
    promisifyRequest(store.getAllKeys()),
  ]);
  if (header === undefined) {
    if (keys.length > 0) throw damaged("there are keys and no header");
    return undefined;
  }
  checkOldHeader(header, { ...expected, format, chunkBytes: rules.chunkBytes });
  const indexes = chunkIndexes(keys, header, rules.counts ? [HEADER, GENERATION] : [HEADER]);
  if (!rules.counts) return { header, generation: undefined, indexes };
  if (!isGeneration(generation)) throw damaged("the generation is not a number from 1 on");
  return { header, generation, indexes };
}

/**
 * All chunks, cut as they are today.
 *
 * @param chunkBytes today's chunk size in bytes
 * @throws {StorageError} `damaged` or `gone`
 */
export async function readOldChunks(
  store: IDBObjectStore,
  { header, indexes }: OldHead,
  chunkBytes: number,
): Promise<Map<number, Uint8Array<ArrayBuffer>>> {
  const chunks = await readChunks(store, indexes, header.chunkBytes);
  if (chunkBytes === header.chunkBytes) return chunks;
  return new Map(
    [...chunks].flatMap(([index, chunk]) => cutChunk(index, chunk, chunkBytes, header.diskBytes)),
  );
}

function checkOldHeader(value: unknown, expected: Known<OldHeader>): asserts value is OldHeader {
  const header = (value ?? {}) as Partial<Record<keyof OldHeader, unknown>>;
  if (typeof header.format === "number" && header.format > LAST_OLD_FORMAT)
    throw new StorageError("newer");
  const good =
    header.format === expected.format &&
    typeof header.overlay === "string" &&
    typeof header.firmware === "string" &&
    isSize(header.diskBytes) &&
    isSize(header.chunkBytes) &&
    typeof header.created === "number";
  if (!good) throw damaged("the header is not one");
  const same = Object.entries(expected).every(
    ([key, wanted]) => wanted === undefined || header[key as keyof OldHeader] === wanted,
  );
  if (!same) throw new StorageError("mismatch");
}
