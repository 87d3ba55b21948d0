/** What is stored of an overlay, in whichever format: read without a lease, and without changing anything. */
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import { readExisting } from "../disk/indexeddb.js";
import { memoryChunkStore } from "../disk/memory-chunk-store.js";
import { thoseThatExist } from "./database-names.js";
import { OBJECT_STORE, OVERLAY_FORMAT, readChunks, readHead } from "./format.js";
import { formerKeys, overlayKey, type OverlayNames, parseKey } from "./identity.js";
import { LAST_OLD_FORMAT, readOldChunks, readOldHead } from "./old-formats.js";

export type Chunks = Map<number, Uint8Array<ArrayBuffer>>;

/** An overlay as it is stored, without its chunks. */
export interface StoredOverlay {
  /** name of its database */
  readonly key: string;
  readonly format: number;
  /** size of the disk in bytes */
  readonly diskBytes: number;
  /** what the stored chunks take, in bytes */
  readonly bytes: number;
  /** which content it is; 0 in format 1, which does not count */
  readonly generation: number;
  /** title and version of the firmware */
  readonly title: string | undefined;
  /** when it was begun, in milliseconds since 1970 */
  readonly created: number;
  /** when it was changed last, in milliseconds since 1970; formats 1 to 3 do not tell */
  readonly changed: number | undefined;
}

/** With everything that the router changed, by number of the chunk. */
export interface StoredChunks extends StoredOverlay {
  readonly content: Chunks;
}

/** What must be as it is known to be, when it is known. */
interface Known {
  readonly diskBytes?: number | undefined;
  /** what old chunks are cut to, and today's must have; default {@link CHUNK_BYTES} */
  readonly chunkBytes?: number | undefined;
}

/** An overlay that may be stored somewhere. */
type Sought = OverlayNames & Known;

/**
 * @param key of an overlay of any format
 * @returns undefined when nothing was ever written to it
 * @throws {StorageError} `newer`, `mismatch`, `damaged`, or whatever speaks against reading it
 */
export function readStored(key: string, known: Known = {}): Promise<StoredOverlay | undefined> {
  return read(key, known, ({ stored }) => stored);
}

/**
 * The same, with its chunks at that moment.
 *
 * @throws {StorageError} as above, or a chunk is damaged
 */
export function readStoredChunks(
  key: string,
  known: Known = {},
): Promise<StoredChunks | undefined> {
  return read(key, known, async ({ stored, content }) => ({ ...stored, content: await content() }));
}

/**
 * What is stored of an overlay, wherever it is: in today's format, or else in an older one.
 *
 * @throws {StorageError} as {@link readStored}
 */
export function findStored(identity: Sought): Promise<StoredOverlay | undefined> {
  return find(identity, readStored);
}

/**
 * The same, with its chunks at that moment.
 *
 * @throws {StorageError} as {@link readStoredChunks}
 */
export function findStoredChunks(identity: Sought): Promise<StoredChunks | undefined> {
  return find(identity, readStoredChunks);
}

/**
 * A copy of it in memory, for a machine that saves nothing. Whoever holds the lease may go on writing.
 *
 * @throws {StorageError} as {@link readStoredChunks}
 */
export async function storedCopy(identity: Sought): Promise<ChunkStore> {
  const copy = memoryChunkStore();
  await copy.replace((await findStoredChunks(identity))?.content ?? new Map());
  return copy;
}

async function find<T>(
  identity: Sought,
  readOne: (key: string, known: Known) => Promise<T | undefined>,
): Promise<T | undefined> {
  const key = overlayKey(identity);
  const today = await readOne(key, identity);
  if (today) return today;
  // Today's once more, and last: another page may be bringing the old one there.
  for (const candidate of await thoseThatExist([...formerKeys(identity), key])) {
    const found = await readOne(candidate, identity);
    if (found) return found;
  }
  return undefined;
}

/** All but the chunks, and how to have them in the same transaction. */
interface Reading {
  readonly stored: StoredOverlay;
  readonly content: () => Promise<Chunks>;
}

function read<T>(
  key: string,
  known: Known,
  take: (reading: Reading) => T | Promise<T>,
): Promise<T | undefined> {
  return readExisting(key, OBJECT_STORE, async (store, format) => {
    const reading = await (format > LAST_OLD_FORMAT ? readToday : readOld)(
      store,
      format,
      key,
      known,
    );
    return reading && (await take(reading));
  });
}

async function readToday(
  store: IDBObjectStore,
  format: number,
  key: string,
  { diskBytes, chunkBytes }: Known,
): Promise<Reading | undefined> {
  if (format > OVERLAY_FORMAT) throw new StorageError("newer");
  const { overlay, digest: root } = parseKey(key) ?? {};
  const head = await readHead(store, { overlay, root, diskBytes, chunkBytes });
  if (!head) return undefined;
  const { header, generation, indexes } = head;
  return {
    stored: {
      ...{ key, format, diskBytes: header.diskBytes, title: header.title },
      ...{ created: header.created, changed: generation.changed },
      generation: generation.number,
      bytes: indexes.length * header.chunkBytes,
    },
    content: () => readChunks(store, indexes, header.chunkBytes),
  };
}

async function readOld(
  store: IDBObjectStore,
  format: number,
  key: string,
  { diskBytes, chunkBytes = CHUNK_BYTES }: Known,
): Promise<Reading | undefined> {
  const { overlay, digest: firmware } = parseKey(key) ?? {};
  const head = await readOldHead(store, format, { overlay, firmware, diskBytes });
  if (!head) return undefined;
  const { header, generation = 0, indexes } = head;
  return {
    stored: {
      ...{ key, format, diskBytes: header.diskBytes, title: undefined, generation },
      ...{ created: header.created, changed: undefined },
      bytes: indexes.length * header.chunkBytes,
    },
    content: () => readOldChunks(store, head, chunkBytes),
  };
}
