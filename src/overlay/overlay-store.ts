/**
 * The chunks of one overlay in IndexedDB: one database an overlay, one object store in it, chunks under their
 * numbers. Every change is one transaction that changes all or nothing and counts the generation on.
 *
 * The generation is kept in memory beside the database, which is right as long as one store writes an overlay: who
 * opens one holds the overlay's lease. To look at what is stored without one there is stored.ts.
 */
import { get, keys, promisifyRequest } from "idb-keyval";
import type { Chunks, ChunkStore } from "../disk/chunk-store.js";
import { nextGeneration } from "../disk/generation.js";
import { abort, type Connection, connect, deleteDatabase } from "../disk/indexeddb.js";
import { retireLog } from "../disk/leveldb-log.js";
import { forgetName, noteName } from "./database-names.js";
import {
  checkChunk,
  chunkIndexes,
  damaged,
  type Generation,
  GENERATION,
  HEADER,
  newHeader,
  OBJECT_STORE,
  OVERLAY_FORMAT,
  type OverlayHead,
  readChunks,
  readHead,
} from "./format.js";
import {
  formerKeys,
  type OverlayIdentity,
  overlayKey,
  type OverlayNames,
  type OverlayShape,
} from "./identity.js";
import { finishMove, moveHere } from "./move.js";
import { readStored } from "./stored.js";

/**
 * Deletes an overlay with everything that stands under its name, damaged or not; when there is none in today's format,
 * the one of an older format that would be brought there. The caller holds its lease.
 *
 * @throws {StorageError} it is still there
 */
export async function deleteOverlay(identity: OverlayNames): Promise<void> {
  const key = overlayKey(identity);
  const isThere = await readStored(key).catch(() => true);
  await deleteDatabase(key);
  await forgetName(key);
  if (isThere) return;
  for (const former of formerKeys(identity))
    if (await readStored(former).catch(() => true)) return deleteDatabase(former);
}

/**
 * Opens an overlay's chunks; an overlay that was never written has none and leaves no header. One of an older format
 * is brought into today's first.
 *
 * @param identity what the overlay belongs to; the caller holds its lease, those of its former keys included
 * @param chunkBytes chunk size in bytes of a new overlay; a stored one must have the same
 * @throws {StorageError} `unavailable`, `in-use`, `newer`, `mismatch` or `damaged`; nothing stored is changed
 */
export async function openOverlayStore(
  identity: OverlayIdentity,
  chunkBytes: number,
): Promise<ChunkStore> {
  const shape = { ...identity, chunkBytes };
  const key = overlayKey(identity);
  const connection = await connect(key, {
    storeName: OBJECT_STORE,
    version: OVERLAY_FORMAT,
    upgrade: () => Promise.reject(damaged("no older format has such a name")),
  });
  try {
    const read = () => connection.use("readonly", (store) => readHead(store, shape));
    await noteName(key);
    let head = await read();
    if (head?.moved) await finishMove(connection, shape, head.moved);
    else if (!head && (await moveHere(connection, shape))) head = await read();
    // Before anything is changed, and as soon as there is something to lose.
    if (head) void retireLog(connection.useRelaxed);
    return chunkStore(connection, shape, head);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function chunkStore(
  connection: Connection,
  shape: OverlayShape,
  head: OverlayHead | undefined,
): ChunkStore {
  const { use, useRelaxed } = connection;
  let generation = head?.generation.number ?? 0;
  /** whether the next change writes the header: there is none, or the firmware has another title now */
  let headerDue = !head || (shape.title !== undefined && head.header.title !== shape.title);
  /** the last number that a transaction was given; one that failed leaves a gap */
  let given = generation;

  /** Runs a change and counts the generation on, in one transaction. */
  async function change(write: (store: IDBObjectStore) => void): Promise<void> {
    await retireLog(useRelaxed);
    await use("readwrite", async (store) => {
      const next: Generation = { number: nextGeneration(given), changed: Date.now() };
      given = next.number;
      try {
        write(store);
        store.put(next, GENERATION);
      } catch (error) {
        // What was put before the request that threw must not be stored either.
        abort(store.transaction);
        throw error;
      }
      await promisifyRequest(store.transaction);
      generation = next.number;
    });
    headerDue = false;
  }

  function put(store: IDBObjectStore, chunks: Chunks): void {
    for (const [index, chunk] of chunks) store.put(chunk, index);
  }

  function replace(chunks: Chunks): Promise<void> {
    return change((store) => {
      // Every chunk: nothing else has a number as its key.
      store.delete(IDBKeyRange.bound(-Infinity, Infinity));
      put(store, chunks);
      store.put(newHeader(shape), HEADER);
    });
  }

  return {
    durability: "strict",
    indexes: async () => chunkIndexes(await keys(use), shape),
    read: async (index) => checkChunk(await get<unknown>(index, use), index, shape.chunkBytes),
    snapshot: () =>
      use("readonly", async (store) => {
        const indexes = chunkIndexes(await promisifyRequest(store.getAllKeys()), shape);
        return readChunks(store, indexes, shape.chunkBytes);
      }),
    commit: (chunks, dropped = []) =>
      change((store) => {
        put(store, chunks);
        for (const index of dropped) store.delete(index);
        if (headerDue) store.put(newHeader(shape, head?.header.created), HEADER);
      }),
    replace,
    clear: () => replace(new Map()),
    generation: () => generation,
    close: () => connection.close(),
  };
}
