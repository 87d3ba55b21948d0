/** A stored overlay under another name, whichever format it has. */
import { promisifyRequest } from "idb-keyval";
import { StorageError } from "../disk/errors.js";
import { nextGeneration } from "../disk/generation.js";
import { abort, connect, deleteDatabase, readExisting } from "../disk/indexeddb.js";
import { retireLog } from "../disk/leveldb-log.js";
import { noteName } from "./database-names.js";
import { damaged, type Generation, GENERATION, HEADER, MOVED, OBJECT_STORE } from "./format.js";
import { keyOf, parseKey } from "./identity.js";
import { LAST_OLD_FORMAT } from "./old-formats.js";
import { readStored } from "./stored.js";

/**
 * Copies everything in one transaction, and counts the copy from a number of its own: what was kept beside another
 * overlay of that name must not fit it.
 *
 * @param from key of the overlay; the caller holds its lease, and that of the copy
 * @param overlay the copy's name
 * @returns the copy's key
 * @throws {StorageError} `taken` when something is stored there; else as when an overlay is opened; nothing was changed
 */
export async function copyOverlay(from: string, overlay: string): Promise<string> {
  const { digest = "" } = parseKey(from) ?? {};
  const key = keyOf(overlay, digest);
  // Checks it too: what is damaged is not handed on.
  const stored = await readStored(from);
  if (!stored) throw new StorageError("missing");
  if (await readStored(key)) throw new StorageError("taken");
  const entries = (await readExisting(from, OBJECT_STORE, allEntries)) ?? [];
  const connection = await connect(key, {
    storeName: OBJECT_STORE,
    version: stored.format,
    upgrade: () => Promise.reject(damaged("the place of the copy has another format")),
  });
  try {
    await noteName(key);
    await retireLog(connection.useRelaxed);
    await connection.use("readwrite", async (store) => {
      try {
        for (const [at, value] of entries) {
          if (at === HEADER) store.put({ ...(value as object), overlay }, at);
          else if (at === GENERATION) store.put(newGeneration(stored.format, stored.changed), at);
          else if (at !== MOVED) store.put(value, at);
        }
      } catch (error) {
        abort(store.transaction);
        throw error;
      }
      await promisifyRequest(store.transaction);
    });
  } catch (error) {
    connection.close();
    // It is empty.
    await deleteDatabase(key).catch(() => undefined);
    throw error;
  }
  connection.close();
  return key;
}

function newGeneration(format: number, changed: number | undefined): number | Generation {
  const number = nextGeneration(0);
  return format <= LAST_OLD_FORMAT ? number : { number, ...(changed !== undefined && { changed }) };
}

async function allEntries(store: IDBObjectStore): Promise<[IDBValidKey, unknown][]> {
  const [keys, values] = await Promise.all([
    promisifyRequest(store.getAllKeys()),
    promisifyRequest<unknown[]>(store.getAll()),
  ]);
  return keys.map((key, at) => [key, values[at]]);
}
