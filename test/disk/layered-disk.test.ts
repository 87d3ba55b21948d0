import { expect } from "@esm-bundle/chai";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import type { StorageError } from "../../src/disk/errors.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { type DiskOptions, LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { rejection } from "./helpers.js";

const CHUNK = 4096;
const SIZE = 40 * CHUNK + 512;
const image = Uint8Array.from({ length: 5 * CHUNK + 700 }, (_, at) => (at * 7) & 0xff);

async function open(store: ChunkStore, options: Partial<DiskOptions> = {}): Promise<LayeredDisk> {
  return LayeredDisk.open({
    base: new ImageLayer(image, SIZE),
    store,
    chunkBytes: CHUNK,
    ...options,
  });
}

/** A store whose commits fail while `broken`. */
function faulty(): { store: ChunkStore; broken: boolean } {
  const inner = memoryChunkStore();
  const fault = {
    broken: true,
    store: {
      ...inner,
      durability: "strict" as const,
      commit: (chunks: ReadonlyMap<number, Uint8Array<ArrayBuffer>>) =>
        fault.broken
          ? Promise.reject(new DOMException("no room", "QuotaExceededError"))
          : inner.commit(chunks),
    },
  };
  return fault;
}

describe("a layered disk", () => {
  it("reads the image, and zeros behind it", async () => {
    const disk = await open(memoryChunkStore());
    const read = await disk.read(5 * CHUNK, CHUNK);
    expect(read.subarray(0, 700)).to.deep.equal(image.subarray(5 * CHUNK));
    expect(read.subarray(700).every((byte) => byte === 0)).to.equal(true);
  });

  it("never changes the image", async () => {
    const before = image.slice();
    const disk = await open(memoryChunkStore());
    await disk.write(0, new Uint8Array(3 * CHUNK).fill(0xee));
    (await disk.read(0, CHUNK)).fill(1);
    expect(image).to.deep.equal(before);
  });

  it("refuses requests that reach outside", async () => {
    const disk = await open(memoryChunkStore());
    for (const [offset, length] of [
      [-1, 1],
      [SIZE, 1],
      [SIZE - 1, 2],
      [0.5, 1],
      [NaN, 1],
    ] as const) {
      expect(await rejection(disk.read(offset, length))).to.be.instanceOf(RangeError);
      expect(await rejection(disk.write(offset, new Uint8Array(length)))).to.be.instanceOf(
        RangeError,
      );
    }
    expect(disk.usage.chunks).to.equal(0);
  });

  it("stores only chunks that were written", async () => {
    const disk = await open(memoryChunkStore());
    await disk.write(10 * CHUNK - 1, new Uint8Array([1, 1]));
    await disk.flush();
    expect(disk.usage).to.deep.equal({ bytes: 2 * CHUNK, chunks: 2, durability: "memory" });
  });

  it("stores nothing for a write of what the image has, until the chunk was changed", async () => {
    const disk = await open(memoryChunkStore());
    await disk.write(0, image.slice(0, 2 * CHUNK));
    await disk.write(20 * CHUNK, new Uint8Array(CHUNK));
    await disk.flush();
    expect(disk.usage.chunks).to.equal(0);
    await disk.write(20 * CHUNK, new Uint8Array([1]));
    await disk.flush();
    await disk.write(20 * CHUNK, new Uint8Array(CHUNK));
    await disk.flush();
    expect(disk.usage.chunks).to.equal(1);
    expect((await disk.read(20 * CHUNK, 1))[0]).to.equal(0);
  });

  it("begins with its seed, and stores all of it with the first change", async () => {
    const chunk = (byte: number) => new Uint8Array(CHUNK).fill(byte);
    const seed = new Map([
      [20, chunk(1)],
      [30, chunk(2)],
    ]);
    const store = memoryChunkStore();
    const disk = await open(store, { seed });
    expect(disk.readNow(20 * CHUNK, 1)?.[0]).to.equal(1);
    expect(await disk.snapshot()).to.deep.equal(seed);
    await disk.write(30 * CHUNK, chunk(2));
    await disk.flush();
    expect(disk.usage.chunks, "what it holds already is no change").to.equal(0);

    await disk.write(30 * CHUNK + 1, new Uint8Array([9]));
    await disk.write(35 * CHUNK, new Uint8Array([8]));
    await disk.flush();
    expect((await store.indexes()).sort()).to.deep.equal([20, 30, 35]);
    const alone = await open(store);
    expect(await alone.read(20 * CHUNK, CHUNK)).to.deep.equal(chunk(1));
    expect((await alone.read(30 * CHUNK, 3)).join()).to.equal("2,9,2");
    const other = await open(store, { seed: new Map([[25, chunk(7)]]) });
    expect((await other.read(25 * CHUNK, 1))[0], "a disk that was written has no seed").to.equal(0);
  });

  it("stores its seed when asked to, once, and what was written meanwhile with it", async () => {
    const chunk = (byte: number) => new Uint8Array(CHUNK).fill(byte);
    const seed = new Map([
      [20, chunk(1)],
      [30, chunk(2)],
    ]);
    const store = memoryChunkStore();
    const disk = await open(store, { seed });
    expect(store.generation()).to.equal(0);
    await disk.write(20 * CHUNK, new Uint8Array([9]));
    await disk.storeSeed();
    expect((await store.snapshot()).get(20)?.slice(0, 2).join()).to.equal("9,1");
    expect((await store.snapshot()).get(30)).to.deep.equal(chunk(2));
    const generation = store.generation();
    await disk.storeSeed();
    expect(store.generation()).to.equal(generation);

    const untouched = memoryChunkStore();
    const other = await open(untouched, { seed });
    await other.storeSeed();
    expect(await untouched.snapshot()).to.deep.equal(seed);
    expect(other.isOwn).to.equal(true);
    expect(other.usage.chunks, "nothing was changed").to.equal(0);
    expect(untouched.generation()).to.be.greaterThan(0);
    await other.write(35 * CHUNK, new Uint8Array([1]));
    await other.flush();
    expect(other.usage.chunks).to.equal(3);
    const none = memoryChunkStore();
    await (await open(none)).storeSeed();
    expect(none.generation(), "a disk without a seed").to.equal(0);
  });

  it("refuses a store that holds a chunk outside the disk", async () => {
    const store = memoryChunkStore();
    await store.commit(new Map([[41, new Uint8Array(CHUNK)]]));
    expect(await rejection(open(store))).to.be.instanceOf(RangeError);
  });

  it("stores at every moment the disk as it was after some number of writes", async () => {
    const inner = memoryChunkStore();
    /** the number of the last write that each commit made durable */
    const stored: number[] = [];
    const store: ChunkStore = {
      ...inner,
      async commit(chunks) {
        const taken = new Map([...chunks].map(([index, chunk]) => [index, chunk.slice()]));
        // Later commits are quicker: only waiting for the earlier ones keeps the order.
        await new Promise((resolve) => setTimeout(resolve, 20 - stored.length * 5));
        await inner.commit(taken);
        const disk = await inner.snapshot();
        const [one = 0, other = 0] = [10, 20].map((index) => disk.get(index)?.[0] ?? 0);
        expect(one, "the first of two writes is there when the second is").to.be.at.least(other);
        stored.push(other);
      },
    };
    const disk = await open(store);
    for (let stamp = 1; stamp <= 200; stamp++) {
      await disk.write(10 * CHUNK, new Uint8Array([stamp]));
      await disk.write(20 * CHUNK, new Uint8Array([stamp]));
      if (stamp % 40 === 0) await disk.flush();
      if (stamp % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await disk.flush();
    expect(stored).to.deep.equal([...stored].sort((a, b) => a - b));
    expect(stored.at(-1)).to.equal(200);
    expect(stored.length).to.be.greaterThan(4);
  });

  it("has a write in every read at once, and in the store after a flush", async () => {
    const store = memoryChunkStore();
    const disk = await open(store);
    expect(disk.writeNow(9 * CHUNK, new Uint8Array([7]))).to.equal(true);
    expect(disk.flushed).to.equal(false);
    expect(disk.readNow(9 * CHUNK, 1)?.[0]).to.equal(7);
    expect(await store.indexes()).to.deep.equal([]);
    await disk.flush();
    expect(disk.flushed).to.equal(true);
    expect((await store.read(9))[0]).to.equal(7);
  });

  it("stores a chunk that is written again and again once", async () => {
    let commits = 0;
    const inner = memoryChunkStore();
    const disk = await open({ ...inner, commit: (chunks) => (commits++, inner.commit(chunks)) });
    for (let stamp = 0; stamp < 100; stamp++)
      await disk.write(9 * CHUNK + stamp, new Uint8Array([1]));
    await disk.flush();
    expect(commits).to.equal(1);
  });

  it("stores by itself what nobody flushes", async () => {
    const store = memoryChunkStore();
    const disk = await open(store);
    await disk.write(9 * CHUNK, new Uint8Array([7]));
    while (!disk.flushed) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await store.read(9))[0]).to.equal(7);
  });

  it("lets a write wait rather than hold more than so much in memory", async () => {
    const inner = memoryChunkStore();
    let largest = 0;
    const store: ChunkStore = {
      ...inner,
      async commit(chunks) {
        largest = Math.max(largest, chunks.size * CHUNK);
        await new Promise((resolve) => setTimeout(resolve, 20));
        await inner.commit(chunks);
      },
    };
    const bytes = 64 * 1024 * 1024;
    const disk = await LayeredDisk.open({
      base: new ImageLayer(image, bytes),
      store,
      chunkBytes: CHUNK,
    });
    for (let at = 0; at < bytes; at += 1024 * 1024)
      await disk.write(at, new Uint8Array(1024 * 1024).fill(1 + at / 1024 / 1024));
    await disk.flush();
    expect(largest).to.be.at.most(10 * 1024 * 1024);
    expect((await inner.indexes()).length).to.equal(bytes / CHUNK);
  });

  it("takes a snapshot of one moment while writes go on", async () => {
    const disk = await open(memoryChunkStore());
    const over = new AbortController();
    const writing = (async () => {
      for (let stamp = 1; !over.signal.aborted; stamp = (stamp % 250) + 1) {
        await disk.write(10 * CHUNK, new Uint8Array([stamp]));
        await disk.write(20 * CHUNK, new Uint8Array([stamp]));
        if (stamp % 5 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
    })();
    for (let look = 0; look < 60; look++) {
      const chunks = await disk.snapshot();
      const [one = 0, other = 0] = [10, 20].map((index) => chunks.get(index)?.[0] ?? 0);
      expect([0, 1, -249]).to.include(one - other);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    over.abort();
    await writing;
  });

  it("holds a flush that cannot be done, and completes it after a retry", async () => {
    const fault = faulty();
    const stalls: StorageError[] = [];
    const disk = await open(fault.store, { onStall: (error) => stalls.push(error) });
    let done = false;
    await disk.write(0, new Uint8Array([1, 2, 3]));
    const flush = disk.flush().then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stalls.map(({ problem }) => problem)).to.deep.equal(["full"]);
    disk.retry();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stalls.length, "a second failure is told again").to.equal(2);
    expect(done).to.equal(false);
    fault.broken = false;
    disk.retry();
    await flush;
    expect((await disk.read(0, 3)).join()).to.equal("1,2,3");
    expect(disk.usage.durability).to.equal("strict");
  });

  it("goes on in memory when told to, and says so", async () => {
    const fault = faulty();
    const disk = await open(fault.store, { onStall: () => void disk.detach() });
    await disk.write(0, new Uint8Array([4, 5]));
    await disk.flush();
    expect((await disk.read(0, 2)).join()).to.equal("4,5");
    expect(disk.usage.durability).to.equal("memory");
    expect(await fault.store.indexes()).to.deep.equal([]);
  });
});
