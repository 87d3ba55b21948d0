/** What is stored of an overlay while no worker has it open. */
import { CHUNK_BYTES, type Chunks, type ChunkStore } from "../disk/chunk-store.js";
import { openOverlayStore, type OverlayIdentity } from "../disk/overlay-store.js";

/**
 * How many chunks are stored, and the generation.
 *
 * @throws {StorageError} the overlay cannot be read
 */
export function storedOverlay(
  identity: OverlayIdentity,
): Promise<{ chunks: number; generation: number }> {
  return withStore(identity, "read", async (store) => ({
    chunks: (await store.indexes()).length,
    generation: store.generation(),
  }));
}

/** @throws {StorageError} the overlay cannot be read */
export function storedChunks(identity: OverlayIdentity): Promise<Chunks> {
  return withStore(identity, "read", (store) => store.snapshot());
}

/**
 * Stores these chunks in place of all others; the caller holds the overlay's lock.
 *
 * @throws {StorageError} nothing was changed
 */
export function replaceStoredChunks(identity: OverlayIdentity, chunks: Chunks): Promise<void> {
  return withStore(identity, "write", (store) => store.replace(chunks));
}

async function withStore<T>(
  identity: OverlayIdentity,
  purpose: "read" | "write",
  work: (store: ChunkStore) => Promise<T>,
): Promise<T> {
  const store = await openOverlayStore(identity, CHUNK_BYTES, purpose);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
