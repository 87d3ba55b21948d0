/**
 * Brings an overlay of format 1, 2 or 3 into today's, which has another database: there an overlay belonged to root and
 * kernel together.
 *
 * The old one is read; the new one is written whole in one transaction, with a mark that says where it came from; only
 * then the old one is deleted, and after it the mark. Whoever is killed in between leaves the old one as it was, or the
 * new one complete with the mark, so that the next one goes on from there. Nothing is ever written to the old one.
 */
import { promisifyRequest } from "idb-keyval";
import { nextGeneration } from "../disk/generation.js";
import { abort, type Connection, deleteDatabase } from "../disk/indexeddb.js";
import { retireLog } from "../disk/leveldb-log.js";
import { memoryDatabase } from "../snapshot/indexeddb-memory.js";
import { thoseThatExist } from "./database-names.js";
import { GENERATION, type Generation, HEADER, MOVED, type Moved, newHeader } from "./format.js";
import { formerKeys, type OverlayShape } from "./identity.js";
import { readStored, readStoredChunks } from "./stored.js";

/**
 * @param connection to the new overlay, to which nothing was ever written; the caller holds the locks of all its keys
 * @returns whether there was one to bring
 * @throws {StorageError} nothing was changed
 */
export async function moveHere(connection: Connection, shape: OverlayShape): Promise<boolean> {
  for (const from of await thoseThatExist(formerKeys(shape))) {
    const old = await readStoredChunks(from, shape);
    if (!old) continue;
    // The content stays the same, and with it its number; format 1 had none.
    const generation: Generation = { number: old.generation || nextGeneration(0) };
    const moved: Moved = { from, ...(old.generation > 0 && { generation: old.generation }) };
    await retireLog(connection.useRelaxed);
    await connection.use("readwrite", async (store) => {
      try {
        for (const [index, chunk] of old.content) store.put(chunk, index);
        store.put(newHeader(shape, old.created), HEADER);
        store.put(generation, GENERATION);
        store.put(moved, MOVED);
      } catch (error) {
        abort(store.transaction);
        throw error;
      }
      await promisifyRequest(store.transaction);
    });
    await endMove(connection, from);
    return true;
  }
  return false;
}

/**
 * Goes on where a move was cut off after the new overlay was written. Never fails: while the mark is there, the next one
 * tries again.
 *
 * @param moved the mark
 */
export async function finishMove(
  connection: Connection,
  shape: OverlayShape,
  { from, generation }: Moved,
): Promise<void> {
  // Without its lock: an older page may have begun to use it.
  if (!formerKeys(shape).includes(from)) return;
  try {
    const old = await readStored(from);
    // An older page went on with it; what it is now it must remain. Without a number that cannot be told.
    const same = !old || old.generation === generation;
    if (same) await endMove(connection, from);
    else await unmark(connection);
  } catch {
    // It cannot be read now.
  }
}

async function endMove(connection: Connection, from: string): Promise<void> {
  // The kept memory is of a kernel that is not named in it. It may be open in an older page, which never lets go.
  deleteDatabase(memoryDatabase(from)).catch(() => undefined);
  try {
    await deleteDatabase(from);
    await unmark(connection);
  } catch {
    // The new one is complete; the mark says that the old one is still there.
  }
}

function unmark(connection: Connection): Promise<void> {
  return connection.useRelaxed("readwrite", async (store) => {
    store.delete(MOVED);
    await promisifyRequest(store.transaction);
  });
}
