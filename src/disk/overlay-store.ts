/**
 * The chunks of one overlay in IndexedDB: one database an overlay, one object store in it, chunks under their
 * numbers. Every change is one transaction that changes all or nothing and counts the generation on.
 *
 * The generation is kept in memory beside the database, which is right as long as one store writes an overlay: who
 * opens one to write holds the overlay's lock.
 */
import { get, keys, promisifyRequest } from "idb-keyval";
import type { Chunks, ChunkStore } from "./chunk-store.js";
import { toStorageError } from "./errors.js";
import { nextGeneration } from "./generation.js";
import { abort, type Connection, connect } from "./indexeddb.js";
import { retireLog } from "./leveldb-log.js";
import {
  checkChunk,
  chunkIndexes,
  GENERATION,
  HEADER,
  newHeader,
  OBJECT_STORE,
  OVERLAY_FORMAT,
  type OverlayIdentity,
  overlayKey,
  type OverlayShape,
  readOverlay,
} from "./overlay-format.js";
import { upgradeOverlay } from "./overlay-upgrade.js";

export { OVERLAY_FORMAT, type OverlayIdentity, overlayKey };

/**
 * Deletes an overlay with everything that stands under its name, damaged or not. The caller holds its lock.
 *
 * @throws {StorageError} it is still there
 */
export async function deleteOverlay(
  identity: Pick<OverlayIdentity, "overlay" | "firmware">,
): Promise<void> {
  await promisifyRequest(indexedDB.deleteDatabase(overlayKey(identity))).catch((error: unknown) => {
    throw toStorageError(error);
  });
}

/**
 * Opens an overlay's chunks; an overlay that was never written has none and leaves no header. One of an older format
 * is upgraded.
 *
 * @param identity what the overlay belongs to
 * @param chunkBytes chunk size in bytes of a new overlay; a stored one must have the same
 * @param purpose "write" makes what is stored safe from the next change before it is asked for (leveldb-log.ts); the
 *   caller holds the overlay's lock then. Nobody is kept from changing what was opened to be read.
 * @throws {StorageError} `unavailable`, `in-use`, `newer`, `mismatch` or `damaged`; nothing stored is changed
 */
export async function openOverlayStore(
  identity: OverlayIdentity,
  chunkBytes: number,
  purpose: "read" | "write" = "write",
): Promise<ChunkStore> {
  const shape = { ...identity, chunkBytes };
  const connection = await connect(overlayKey(identity), {
    storeName: OBJECT_STORE,
    version: OVERLAY_FORMAT,
    upgrade: (store, from) => upgradeOverlay(store, shape, from),
  });
  try {
    const stored = await connection.use("readonly", (store) => readOverlay(store, shape));
    if (purpose === "write" && stored.hasHeader) void retireLog(connection.useRelaxed);
    return chunkStore(connection, shape, stored);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function chunkStore(
  connection: Connection,
  shape: OverlayShape,
  stored: { hasHeader: boolean; generation: number },
): ChunkStore {
  const { use, useRelaxed } = connection;
  let { hasHeader, generation } = stored;
  /** the last number that a transaction was given; one that failed leaves a gap */
  let given = generation;

  /** Runs a change and counts the generation on, in one transaction. */
  async function change(write: (store: IDBObjectStore) => void): Promise<void> {
    await retireLog(useRelaxed);
    await use("readwrite", async (store) => {
      const next = (given = nextGeneration(given));
      try {
        write(store);
        store.put(next, GENERATION);
      } catch (error) {
        // What was put before the request that threw must not be stored either.
        abort(store.transaction);
        throw error;
      }
      await promisifyRequest(store.transaction);
      generation = next;
    });
  }

  function put(store: IDBObjectStore, chunks: Chunks): void {
    for (const [index, chunk] of chunks) store.put(chunk, index);
  }

  async function replace(chunks: Chunks): Promise<void> {
    await change((store) => {
      store.clear();
      put(store, chunks);
      store.put(newHeader(shape), HEADER);
    });
    hasHeader = true;
  }

  return {
    durability: "strict",
    indexes: async () => chunkIndexes(await keys(use), shape),
    read: async (index) => checkChunk(await get<unknown>(index, use), index, shape),
    snapshot: () =>
      use("readonly", async (store) => {
        const indexes = chunkIndexes(await promisifyRequest(store.getAllKeys()), shape);
        const values = indexes.map((index) => promisifyRequest<unknown>(store.get(index)));
        const chunks = (await Promise.all(values)).map((value, at) => {
          const index = indexes[at] ?? NaN;
          return [index, checkChunk(value, index, shape)] as const;
        });
        return new Map(chunks);
      }),
    async commit(chunks) {
      await change((store) => {
        put(store, chunks);
        if (!hasHeader) store.put(newHeader(shape), HEADER);
      });
      hasHeader = true;
    },
    replace,
    clear: () => replace(new Map()),
    generation: () => generation,
    close: () => connection.close(),
  };
}
