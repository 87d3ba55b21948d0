/** What a page does to overlays that no machine runs; loaded when it is first asked for. */
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import type { StoredOverlays } from "../machine/host.js";
import { overlayKey } from "../overlay/identity.js";
import { takeLease } from "../overlay/lease.js";
import { openOverlayStore } from "../overlay/overlay-store.js";
import { findStored } from "../overlay/stored.js";
import { thisPage } from "../overlay/tabs.js";
import { readMemoryHeader } from "../snapshot/indexeddb-memory.js";
import { storedChunks } from "./stored-chunks.js";

export const storedOverlays: StoredOverlays = {
  async look(identity) {
    const [stored, memory] = await Promise.all([
      findStored(identity),
      readMemoryHeader(overlayKey(identity)),
    ]);
    return { chunks: (stored?.bytes ?? 0) / CHUNK_BYTES, memoryBytes: memory?.bytes ?? 0 };
  },
  chunks: storedChunks,
  async replace(identity, chunks) {
    const lease = await takeLease(identity, { page: thisPage() });
    try {
      const store = await openOverlayStore(identity, CHUNK_BYTES);
      await store.replace(chunks).finally(() => store.close());
    } finally {
      lease.release();
    }
  },
};
