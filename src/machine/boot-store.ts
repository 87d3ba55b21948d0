/** The chunks of a boot: those of its overlay, or a copy of them in memory. */
import { CHUNK_BYTES, type ChunkStore } from "../disk/chunk-store.js";
import { StorageError } from "../disk/errors.js";
import { memoryChunkStore } from "../disk/memory-chunk-store.js";
import { deleteOverlay, openOverlayStore } from "../disk/overlay-store.js";
import type { StartMessage } from "./messages.js";

/** The chunk store of a boot; without saving, a copy in memory of what is stored at this moment. */
export async function openStore(message: StartMessage): Promise<ChunkStore> {
  const { overlay, firmware, diskBytes, saving, memory } = message;
  if (memory || overlay === undefined) {
    const store = memoryChunkStore();
    if (memory) await store.commit(memory);
    return store;
  }
  const identity = { overlay, firmware, diskBytes };
  const stored = await openOverlayStore(identity, CHUNK_BYTES).catch(async (error: unknown) => {
    // The person asked to drop what is stored: that must work when it is damaged, above all.
    const damaged = error instanceof StorageError && error.problem === "damaged";
    if (!message.reset || !damaged) throw error;
    await deleteOverlay(identity);
    return openOverlayStore(identity, CHUNK_BYTES);
  });
  if (saving) return stored;
  const copy = memoryChunkStore();
  await copy.replace(await stored.snapshot());
  stored.close();
  return copy;
}
