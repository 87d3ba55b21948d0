/** What a boot begins with: the chunks of its overlay, or a copy of them in memory; and the state it goes on from. */
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import { memoryChunkStore } from "../disk/memory-chunk-store.js";
import type { LayeredDisk } from "../disk/layered-disk.js";
import { overlayKey } from "../overlay/identity.js";
import { deleteOverlay, openOverlayStore } from "../overlay/overlay-store.js";
import { storedCopy } from "../overlay/stored.js";
import { type MemoryPage, readSharedPages } from "../snapshot/shared-pages.js";
import { isFit, loadState } from "../snapshot/saved-state.js";
import { UnfitStateError } from "./errors.js";
import type { StartMessage } from "./messages.js";
import { pcWith } from "./pc-identity.js";

/** The chunk store of a boot; without saving, a copy in memory of what is stored at this moment. */
export async function openStore(message: StartMessage): Promise<ChunkStore> {
  const { identity, stored, saving, memory } = message;
  if (memory || !stored) {
    const store = memoryChunkStore();
    if (memory) await store.commit(memory);
    return store;
  }
  // Another tab may have its lease.
  if (!saving) return storedCopy(identity);
  return openOverlayStore(identity, CHUNK_BYTES).catch(async (error: unknown) => {
    // The person asked to drop what is stored: that must work when it is damaged or lost, above all.
    const spoiled =
      error instanceof StorageError && (error.problem === "damaged" || error.problem === "lost");
    if (!message.reset || !spoiled) throw error;
    await deleteOverlay(identity);
    // Others of that name that older versions left are not what was to be dropped.
    return openOverlayStore({ ...identity, former: [] }, CHUNK_BYTES);
  });
}

/** A state, and what the first console showed last when it was saved. */
export interface Restored {
  readonly state: ArrayBuffer;
  /** pages of the memory that the state leaves out */
  readonly pages?: readonly MemoryPage[];
  readonly console?: Uint8Array<ArrayBuffer>;
}

/** @throws {UnfitStateError} it belongs to another content of the disk, or is gone */
export async function stateToRestore(
  { restore, ...message }: StartMessage,
  disk: LayeredDisk,
  generation: number,
): Promise<Restored | undefined> {
  if (!restore) return undefined;
  if (restore.kind === "factory") {
    if (disk.usage.chunks > 0) throw new UnfitStateError("The router's disk is not untouched.");
    return { state: restore.state, pages: await sharedPages(restore.pages, message) };
  }
  const saved = await loadState(overlayKey(message.identity));
  if (!saved || !isFit(saved, pcWith(message.kernel), generation))
    throw new UnfitStateError("The saved memory belongs to another content of the disk.");
  return saved;
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
