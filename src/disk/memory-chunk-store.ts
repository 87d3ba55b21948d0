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
  /** chunks of the store below that were dropped since */
  const hidden = new Set<number>();
  /** 0 until the first change; then numbers that the store below will not come to */
  let generation = 0;

  return {
    durability: "memory",
    async indexes() {
      const others = ((await lower?.indexes()) ?? []).filter((index) => !hidden.has(index));
      return [...new Set([...others, ...chunks.keys()])];
    },
    async read(index) {
      const chunk = chunks.get(index);
      if (chunk) return chunk.slice();
      if (lower && !hidden.has(index)) return lower.read(index);
      throw new RangeError(`Chunk ${index} is not stored.`);
    },
    async snapshot() {
      const own = copyOf(chunks);
      const gone = new Set(hidden);
      const others = [...((await lower?.snapshot()) ?? [])].filter(([index]) => !gone.has(index));
      return new Map([...others, ...own]);
    },
    async commit(written, dropped = []) {
      for (const [index, chunk] of copyOf(written)) chunks.set(index, chunk);
      for (const index of dropped) {
        chunks.delete(index);
        hidden.add(index);
      }
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
