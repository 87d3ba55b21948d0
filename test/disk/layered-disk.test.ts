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
    expect(disk.usage).to.deep.equal({ bytes: 2 * CHUNK, chunks: 2, durability: "memory" });
  });

  it("stores nothing for a write of what the image has, until the chunk was changed", async () => {
    const disk = await open(memoryChunkStore());
    await disk.write(0, image.slice(0, 2 * CHUNK));
    await disk.write(20 * CHUNK, new Uint8Array(CHUNK));
    expect(disk.usage.chunks).to.equal(0);
    await disk.write(20 * CHUNK, new Uint8Array([1]));
    await disk.write(20 * CHUNK, new Uint8Array(CHUNK));
    expect(disk.usage.chunks).to.equal(1);
    expect((await disk.read(20 * CHUNK, 1))[0]).to.equal(0);
  });

  it("is the image again after a reset", async () => {
    const disk = await open(memoryChunkStore());
    await disk.write(100, new Uint8Array(5000).fill(1));
    await disk.reset();
    expect(await disk.read(0, image.length)).to.deep.equal(image);
    expect(disk.usage.chunks).to.equal(0);
  });

  it("refuses a store that holds a chunk outside the disk", async () => {
    const store = memoryChunkStore();
    await store.commit(new Map([[41, new Uint8Array(CHUNK)]]));
    expect(await rejection(open(store))).to.be.instanceOf(RangeError);
  });

  it("commits in the order of the writes", async () => {
    const order: number[] = [];
    const inner = memoryChunkStore();
    const store: ChunkStore = {
      ...inner,
      async commit(chunks) {
        // Later commits are quicker: only waiting for the earlier ones keeps the order.
        await new Promise((resolve) => setTimeout(resolve, 20 - order.length * 5));
        order.push(...chunks.keys());
        await inner.commit(chunks);
      },
    };
    const disk = await open(store);
    await Promise.all(
      [9, 3, 7, 1].map((index) => disk.write(index * CHUNK, new Uint8Array(CHUNK).fill(1))),
    );
    expect(order).to.deep.equal([9, 3, 7, 1]);
  });

  it("holds a write that cannot be stored, and completes it after a retry", async () => {
    const fault = faulty();
    const stalls: StorageError[] = [];
    const disk = await open(fault.store, { onStall: (error) => stalls.push(error) });
    let done = false;
    const write = disk.write(0, new Uint8Array([1, 2, 3])).then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stalls.map(({ problem }) => problem)).to.deep.equal(["full"]);
    disk.retry();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stalls.length, "a second failure is told again").to.equal(2);
    expect(done).to.equal(false);
    fault.broken = false;
    disk.retry();
    await write;
    expect((await disk.read(0, 3)).join()).to.equal("1,2,3");
    expect(disk.usage.durability).to.equal("strict");
  });

  it("goes on in memory when told to, and says so", async () => {
    const fault = faulty();
    const disk = await open(fault.store, { onStall: () => void disk.detach() });
    await disk.write(0, new Uint8Array([4, 5]));
    expect((await disk.read(0, 2)).join()).to.equal("4,5");
    expect(disk.usage.durability).to.equal("memory");
    expect(await fault.store.indexes()).to.deep.equal([]);
  });
});
