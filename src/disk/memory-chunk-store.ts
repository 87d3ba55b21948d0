import type { Chunk, Chunks, ChunkStore } from "./chunk-store.js";
import { nextGeneration } from "./generation.js";

/**
 * Chunks in memory, over an optional store below that is only ever read: "run without saving".
 *
 * @param below where chunks not written since are read from; closed together with this store
 */
export function memoryChunkStore(below?: ChunkStore): ChunkStore {
  let chunks = new Map<number, Chunk>();
  let lower = below;
  /** 0 until the first change; then numbers that the store below will not come to */
  let generation = 0;

  return {
    durability: "memory",
    async indexes() {
      const own = [...chunks.keys()];
      return [...new Set([...((await lower?.indexes()) ?? []), ...own])];
    },
    async read(index) {
      const chunk = chunks.get(index);
      if (chunk) return chunk.slice();
      if (lower) return lower.read(index);
      throw new RangeError(`Chunk ${index} is not stored.`);
    },
    async snapshot() {
      const own = copyOf(chunks);
      return new Map([...((await lower?.snapshot()) ?? []), ...own]);
    },
    async commit(written) {
      for (const [index, chunk] of copyOf(written)) chunks.set(index, chunk);
      generation = nextGeneration(generation);
      return Promise.resolve();
    },
    async replace(written) {
      chunks = copyOf(written);
      lower = undefined;
      generation = nextGeneration(generation);
      return Promise.resolve();
    },
    async clear() {
      chunks = new Map();
      lower = undefined;
      generation = nextGeneration(generation);
      return Promise.resolve();
    },
    generation: () => generation || (lower?.generation() ?? 0),
    close() {
      chunks = new Map();
      below?.close();
    },
  };
}

function copyOf(chunks: Chunks): Map<number, Chunk> {
  return new Map(Array.from(chunks, ([index, chunk]) => [index, chunk.slice()]));
}
