/**
 * Overlays in a folder: `<folder>/<overlay name>/<digest of the root>/` has the chunks in the file `log`, and the lock files
 * of lease.ts.
 */
import { dirname, join } from "node:path";
import { CHUNK_BYTES, type ChunkStore } from "../../disk/chunk-store.js";
import { StorageError } from "../../disk/errors.js";
import type { OverlayIdentity, OverlayNames } from "../../overlay/identity.js";
import type { StoredOverlays } from "../../machine/host.js";
import { openFileChunkStore } from "./file-chunk-store.js";
import { NODE_FILES, toStorageError } from "./files.js";
import { inUse, leaseFolder } from "./lease.js";

/** How long to wait for an overlay that is to be replaced, in milliseconds. */
const LEASE_MS = 2000;

/** @returns folder of one overlay */
export function folderOfOverlay(overlays: string, { overlay, root }: OverlayNames): string {
  return join(overlays, overlay, root);
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

/** What is done to overlays in a folder that no machine of this program runs. */
export function storedOverlays(folder: string | undefined): StoredOverlays {
  async function withStore<T>(
    identity: OverlayIdentity,
    work: (store: ChunkStore, folder: string) => Promise<T>,
  ): Promise<T> {
    if (folder === undefined) throw new StorageError("unavailable");
    const store = await openOverlay(folder, identity, CHUNK_BYTES);
    try {
      return await work(store, folder);
    } finally {
      store.close();
    }
  }

  return {
    look: (identity) =>
      withStore(identity, async (store) => ({
        chunks: (await store.indexes()).length,
        memoryBytes: 0,
      })),
    chunks: (identity) => withStore(identity, (store) => store.snapshot()),
    async replace(identity, chunks) {
      if (folder === undefined) throw new StorageError("unavailable");
      const lease = await leaseFolder(folderOfOverlay(folder, identity), { wait: LEASE_MS }).catch(
        (error: unknown) => {
          throw toStorageError(error);
        },
      );
      if (!("release" in lease)) throw new StorageError("in-use", { cause: inUse(lease) });
      try {
        await withStore(identity, (store) => store.replace(chunks));
      } finally {
        await lease.release();
      }
    },
  };
}

function logOf(overlays: string, identity: OverlayIdentity): string {
  return join(folderOfOverlay(overlays, identity), "log");
}
