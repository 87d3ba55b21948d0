/** What a boot begins with: the chunks of its overlay, or a copy of them in memory; and the state it goes on from. */
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import { memoryChunkStore } from "../disk/memory-chunk-store.js";
import type { LayeredDisk } from "../disk/layered-disk.js";
import { deleteOverlay, openOverlayStore, type OverlayIdentity } from "../disk/overlay-store.js";
import { type MemoryPage, readSharedPages } from "../snapshot/shared-pages.js";
import { partsOf } from "../snapshot/memory-image.js";
import { isFit, type KeptMemory, type MemoryStore } from "../snapshot/memory-store.js";
import { UnfitStateError } from "./errors.js";
import type { StartMessage } from "./messages.js";
import { PC } from "./pc-identity.js";

/** The chunk store of a boot; without saving, a copy in memory of what is stored at this moment. */
export async function openStore(message: StartMessage): Promise<ChunkStore> {
  const { overlay, saving, memory } = message;
  if (memory || overlay === undefined) {
    const store = memoryChunkStore();
    if (memory) await store.commit(memory);
    return store;
  }
  const identity = identityOf(message);
  const purpose = saving ? "write" : "read";
  const stored = await openOverlayStore(identity, CHUNK_BYTES, purpose).catch(
    async (error: unknown) => {
      // The person asked to drop what is stored: that must work when it is damaged or lost, above all.
      const spoiled =
        error instanceof StorageError && (error.problem === "damaged" || error.problem === "lost");
      if (!message.reset || !spoiled) throw error;
      await deleteOverlay(identity);
      return openOverlayStore(identity, CHUNK_BYTES, purpose);
    },
  );
  if (saving) return stored;
  const copy = memoryChunkStore();
  await copy.replace(await stored.snapshot());
  stored.close();
  return copy;
}

/** @returns the overlay of a machine that has one */
export function identityOf({ overlay, firmware, diskBytes }: StartMessage): OverlayIdentity {
  return { overlay: overlay ?? "", firmware, diskBytes };
}

/** What a router goes on from. */
export interface Restored {
  readonly state: ArrayBuffer;
  /** pages of the memory that the state leaves out */
  readonly pages?: readonly MemoryPage[];
  /** what it was restored from, when that was the memory of an earlier visit */
  readonly kept?: KeptMemory;
}

/** @throws {UnfitStateError} it belongs to another content of the disk, or is gone */
export async function stateToRestore(
  { restore, ...message }: StartMessage,
  disk: LayeredDisk,
  memory: MemoryStore | undefined,
): Promise<Restored | undefined> {
  if (!restore) return undefined;
  if (restore.kind === "factory") {
    if (disk.usage.chunks > 0) throw new UnfitStateError("The router's disk is not untouched.");
    return { state: restore.state, pages: await sharedPages(restore.pages, message) };
  }
  const kept = await memory?.load();
  if (!kept || !isFit(kept, PC, disk.generation))
    throw new UnfitStateError("The saved memory belongs to another content of the disk.");
  const { devices, memory: pages } = partsOf(kept.pages, message.memoryBytes, kept.deviceBytes);
  return { state: devices, pages, kept };
}

async function sharedPages(
  list: ArrayBuffer | undefined,
  { root, memoryBytes }: Pick<StartMessage, "root" | "memoryBytes">,
): Promise<MemoryPage[]> {
  if (!list) return [];
  try {
    return await readSharedPages(list, root, memoryBytes);
  } catch (cause) {
    throw new UnfitStateError(String(cause));
  }
}
