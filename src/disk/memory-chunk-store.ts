import type { ChunkStore } from "./chunk-store.js";

/**
 * Chunks in memory, over an optional store below that is only ever read: "run without saving".
 *
 * @param below where chunks not written since are read from; closed together with this store
 */
export function memoryChunkStore(below?: ChunkStore): ChunkStore {
  const chunks = new Map<number, Uint8Array<ArrayBuffer>>();
  let showsBelow = below !== undefined;

  return {
    durability: "memory",
    async indexes() {
      const lower = below && showsBelow ? await below.indexes() : [];
      return [...new Set([...lower, ...chunks.keys()])];
    },
    async read(index) {
      const chunk = chunks.get(index);
      if (chunk) return chunk.slice();
      if (below && showsBelow) return below.read(index);
      throw new RangeError(`Chunk ${index} is not stored.`);
    },
    async commit(written) {
      for (const [index, chunk] of written) chunks.set(index, chunk.slice());
      return Promise.resolve();
    },
    async clear() {
      chunks.clear();
      showsBelow = false;
      return Promise.resolve();
    },
    close() {
      chunks.clear();
      below?.close();
    },
  };
}
