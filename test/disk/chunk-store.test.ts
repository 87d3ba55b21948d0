/** The contract of chunk stores, for those that are in a browser. */
import { expect } from "@esm-bundle/chai";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { openOverlayStore } from "../../src/overlay/overlay-store.js";
import { CHUNK, CHUNKS, chunkStoreContract } from "./chunk-store-contract.js";
import type { OpenedStore } from "./contracts.js";
import { chunksOf, freshIdentity } from "./helpers.js";

const of = (seeds: Record<number, number>) => chunksOf(seeds, CHUNK);
const sorted = (indexes: number[]) => indexes.sort((a, b) => a - b);
const contract = (name: string, open: () => Promise<OpenedStore>) =>
  chunkStoreContract({ describe, it, expect }, name, open);

const overlay = () => {
  const identity = freshIdentity(CHUNKS * CHUNK);
  return () => openOverlayStore(identity, CHUNK);
};

contract("memory", () => Promise.resolve({ store: memoryChunkStore() }));
contract("IndexedDB", async () => {
  const reopen = overlay();
  return { store: await reopen(), reopen };
});
contract("memory over IndexedDB", async () => ({ store: memoryChunkStore(await overlay()()) }));
contract("memory over what was cleared in it", async () => {
  const below = memoryChunkStore();
  await below.commit(of({ 1: 100, 2: 100 }));
  const store = memoryChunkStore(below);
  await store.clear();
  return { store: { ...store, generation: startingAtZero(store) } };
});

/** The generations of a store that was written before, counted from here. */
function startingAtZero(store: ChunkStore): () => number {
  const before = store.generation();
  return () => store.generation() - before;
}

describe("a memory store over another", () => {
  it("shows what is below, hides what was written over it, and leaves it as it is", async () => {
    const below = memoryChunkStore();
    await below.commit(of({ 1: 1, 2: 2 }));
    const store = memoryChunkStore(below);
    expect(store.generation()).to.equal(below.generation());
    await store.commit(of({ 2: 20, 3: 30 }));
    expect(await store.snapshot()).to.deep.equal(of({ 1: 1, 2: 20, 3: 30 }));
    expect(sorted(await store.indexes())).to.deep.equal([1, 2, 3]);
    expect(store.generation()).not.to.equal(below.generation());
    await store.clear();
    expect(await store.indexes()).to.deep.equal([]);
    expect(await below.snapshot()).to.deep.equal(of({ 1: 1, 2: 2 }));
  });
});
