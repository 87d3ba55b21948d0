/**
 * Overlays in a folder: `<folder>/<overlay name>/<firmware digest>/` has the chunks in the file `log`, and the lock files
 * of lease.ts.
 */
import { dirname, join } from "node:path";
import type { ChunkStore } from "../../disk/chunk-store.js";
import type { OverlayIdentity } from "../../disk/overlay-store.js";
import { openFileChunkStore } from "./file-chunk-store.js";
import { NODE_FILES, toStorageError } from "./files.js";

/** @returns folder of one overlay */
export function folderOfOverlay(
  overlays: string,
  { overlay, firmware }: Pick<OverlayIdentity, "overlay" | "firmware">,
): string {
  return join(overlays, overlay, firmware);
}

/** @throws {StorageError} it cannot be read; nothing stored is changed */
export function openOverlay(
  overlays: string,
  identity: OverlayIdentity,
  chunkBytes: number,
): Promise<ChunkStore> {
  return openFileChunkStore(logOf(overlays, identity), { ...identity, chunkBytes });
}

/**
 * Deletes what is stored, damaged or not. The caller holds the lease.
 *
 * @throws {StorageError} it is still there
 */
export async function deleteOverlay(overlays: string, identity: OverlayIdentity): Promise<void> {
  const log = logOf(overlays, identity);
  try {
    await NODE_FILES.remove(log);
    await NODE_FILES.syncFolder(dirname(log));
  } catch (error) {
    throw toStorageError(error);
  }
}

function logOf(overlays: string, identity: OverlayIdentity): string {
  return join(folderOfOverlay(overlays, identity), "log");
}
