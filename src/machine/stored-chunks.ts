/** What is stored of an overlay while no worker has it open. */
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import { openOverlayStore } from "../overlay/overlay-store.js";
import { findStored, findStoredChunks } from "../overlay/stored.js";
import type { Chunks } from "./messages.js";

/**
 * How many chunks are stored, and the generation.
 *
 * @throws {StorageError} the overlay cannot be read
 */
export async function storedOverlay(
  identity: OverlayIdentity,
): Promise<{ chunks: number; generation: number }> {
  const { bytes, generation } = (await findStored(identity)) ?? { bytes: 0, generation: 0 };
  return { chunks: bytes / CHUNK_BYTES, generation };
}

/** @throws {StorageError} the overlay cannot be read */
export async function storedChunks(identity: OverlayIdentity): Promise<Chunks> {
  return (await findStoredChunks(identity))?.content ?? new Map<never, never>();
}

/**
 * Stores these chunks in place of all others; the caller holds the overlay's lock.
 *
 * @throws {StorageError} nothing was changed
 */
export async function replaceStoredChunks(
  identity: OverlayIdentity,
  chunks: Chunks,
): Promise<void> {
  const store = await openOverlayStore(identity, CHUNK_BYTES);
  try {
    await store.replace(chunks);
  } finally {
    store.close();
  }
}
