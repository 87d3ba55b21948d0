/** How an overlay of an older format becomes one of the format in overlay-format.ts. The formats are in docs/storage-format.md. */
import { promisifyRequest } from "idb-keyval";
import { nextGeneration } from "./generation.js";
import {
  checkChunk,
  chunkIndexes,
  damaged,
  GENERATION,
  HEADER,
  OVERLAY_FORMAT,
  type OverlayShape,
  readGeneration,
  readHeader,
} from "./overlay-format.js";
import { cutChunk } from "./rechunk.js";

/** Chunk size of formats 1 and 2 in bytes. */
const OLD_CHUNK_BYTES = 65_536;

/**
 * Upgrades by requests to the store only, which are one transaction with the change of the database's version.
 *
 * @param from format that the overlay has, 1 or 2
 * @throws {StorageError} `newer`, `mismatch` or `damaged`; what was put by then must not be committed
 */
export async function upgradeOverlay(
  store: IDBObjectStore,
  shape: OverlayShape,
  from: number,
): Promise<void> {
  const old = { ...shape, chunkBytes: OLD_CHUNK_BYTES };
  const header = await readHeader(store, old, from);
  if (!header) return;
  // Format 1 had none. The content stays the same, so format 2's stays as it is.
  const generation = from === 1 ? nextGeneration(0) : await readGeneration(store);
  if (generation === undefined) throw damaged("there is a header and no generation");
  const indexes = chunkIndexes(await promisifyRequest(store.getAllKeys()), old);
  // From the highest down: the parts' numbers are those of chunks that are cut already.
  for (const index of indexes.sort((one, other) => other - one)) {
    const chunk = checkChunk(await promisifyRequest<unknown>(store.get(index)), index, old);
    store.delete(index);
    for (const [number, part] of cutChunk(index, chunk, shape.chunkBytes, shape.diskBytes))
      store.put(part, number);
  }
  store.put(generation, GENERATION);
  store.put({ ...header, format: OVERLAY_FORMAT, chunkBytes: shape.chunkBytes }, HEADER);
}
