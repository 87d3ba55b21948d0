/**
 * Keeps Chromium from deleting what it stored before it was killed.
 *
 * Chromium keeps all databases of an origin in one LevelDB, whose log has each transaction in pieces of up to 32 KiB. A
 * browser that is killed between two pieces leaves an incomplete transaction at the log's end. The next one rightly
 * ignores it, but goes on writing behind it in the same file; the one after that finds an incomplete transaction in the
 * middle, takes the whole database for corrupt and deletes it. It is gone only when LevelDB begins another log, which
 * happens when enough was written.
 *
 * @see https://github.com/google/leveldb/issues/1287
 */
import { promisifyRequest, type UseStore } from "idb-keyval";

/** Below 64 KiB: Chromium puts larger values into files of their own, not into the log. */
const PIECE_BYTES = 60_000;
/** LevelDB begins a log after write_buffer_size, which is 4 MiB where Chromium does not choose less. */
const PIECES = Math.ceil((4 * 1024 * 1024 * 1.1) / PIECE_BYTES);
/** Stands in no committed transaction. */
const KEY = "padding";

/** The log is the origin's, and of the browser that runs now: once in this page or worker is enough. */
let retired: Promise<void> | undefined;

/**
 * Makes the browser begin a new log, by a transaction that leaves nothing; takes it some 25 ms, the first time. For who
 * holds the lock of an overlay and is about to write. Never rejects: where there is no room for that, or no LevelDB,
 * everything else works as well.
 */
export function retireLog(use: UseStore): Promise<void> {
  return (retired ??= isLevelDb() ? writePadding(use) : Promise.resolve());
}

async function writePadding(use: UseStore): Promise<void> {
  try {
    await use("readwrite", async (store) => {
      const piece = new Uint8Array(PIECE_BYTES);
      for (let number = 0; number < PIECES; number++) store.put(piece, KEY);
      store.delete(KEY);
      await promisifyRequest(store.transaction);
    });
  } catch {
    // What was put is undone with the transaction.
  }
}

/** Only Chromium tells of lost data, for only its storage gets lost this way. */
function isLevelDb(): boolean {
  return "dataLoss" in IDBVersionChangeEvent.prototype;
}
