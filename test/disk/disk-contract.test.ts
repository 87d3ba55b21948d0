/** What the router's disk must do over every chunk store. A new store, or a new disk, is added to the list at the end. */
import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { type DiskOptions, LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { openOverlayStore } from "../../src/overlay/overlay-store.js";
import { abortNextWrite, expectSame, freshIdentity, rejection } from "./helpers.js";

const SECTOR = 512;
const CHUNK = 4096;
/** Ends inside a chunk. */
const SIZE = 40 * CHUNK + SECTOR;
/** Ends inside a chunk and inside a sector. */
const IMAGE = Uint8Array.from({ length: 5 * CHUNK + 700 }, (_, at) => (at * 7) & 0xff);
const SEQUENCES = { runs: 40, requests: 80 };

/** Requests the randomised sequences made, over all stores. */
let requestsMade = 0;

/** A new store, and how to open it again when it outlives its object. */
interface Opened {
  readonly store: ChunkStore;
  readonly reopen?: () => Promise<ChunkStore>;
}

function openDisk(store: ChunkStore, options: Partial<DiskOptions> = {}): Promise<LayeredDisk> {
  const base = new ImageLayer(IMAGE, SIZE);
  return LayeredDisk.open({ base, store, chunkBytes: CHUNK, ...options });
}

/** A disk's content as a plain array. */
function plain(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  bytes.set(IMAGE);
  return bytes;
}

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

function contract(name: string, open: () => Promise<Opened>): void {
  describe(`the disk over a store (${name})`, () => {
    /** Does these writes in this order on a disk and on a plain array and compares them, also after opening it again. */
    async function expectLikeAnArray(writes: readonly (readonly [at: number, length: number])[]) {
      const { store, reopen } = await open();
      const disk = await openDisk(store);
      const model = plain();
      for (const [i, [at, length]] of writes.entries()) {
        const data = filled(length, i + 1);
        model.set(data, at);
        await disk.write(at, data);
        expectSame(await disk.read(at, length), data);
      }
      expectSame(await disk.read(0, SIZE), model);
      await disk.flush();
      disk.close();
      if (!reopen) return;
      const again = await openDisk(await reopen());
      expectSame(await again.read(0, SIZE), model);
      again.close();
    }

    it("takes whole chunks, parts of chunks, and requests over several", () =>
      expectLikeAnArray([
        [0, CHUNK],
        [7 * CHUNK, 3 * CHUNK],
        [12 * CHUNK + SECTOR, SECTOR],
        [14 * CHUNK - SECTOR, 2 * SECTOR],
        [20 * CHUNK + SECTOR, 3 * CHUNK],
      ]));

    it("takes requests that are no whole sectors", () =>
      expectLikeAnArray([
        [1, 1],
        [CHUNK - 1, 2],
        [9 * CHUNK + 511, 1027],
        [30 * CHUNK + 1, CHUNK - 2],
      ]));

    it("takes overlapping and unordered writes", () =>
      expectLikeAnArray([
        [20 * CHUNK, 4 * CHUNK],
        [19 * CHUNK + 100, 2 * CHUNK],
        [3 * CHUNK, 30 * CHUNK],
        [10 * CHUNK, SECTOR],
        [10 * CHUNK + 100, SECTOR],
        [10 * CHUNK - 100, SECTOR],
      ]));

    it("reads across image, end of the image, holes and written chunks", () =>
      expectLikeAnArray([
        [4 * CHUNK + 10, 10],
        [IMAGE.length - 1, 2],
        [5 * CHUNK + 701, 1],
        [8 * CHUNK, SECTOR],
      ]));

    it("takes writes up to its end, and none beyond", async () => {
      await expectLikeAnArray([
        [SIZE - 1, 1],
        [SIZE - SECTOR, SECTOR],
        [SIZE - CHUNK - 7, CHUNK + 7],
        [SIZE, 0],
      ]);
      const disk = await openDisk((await open()).store);
      for (const [at, length] of [
        [SIZE, 1],
        [SIZE - 1, 2],
        [-1, 1],
        [0, SIZE + 1],
        [NaN, 1],
        [0.5, 1],
      ] as const) {
        expect(await rejection(disk.write(at, filled(length, 1)))).to.be.instanceOf(RangeError);
        expect(await rejection(disk.read(at, length))).to.be.instanceOf(RangeError);
      }
      expectSame(await disk.read(0, SIZE), plain());
      disk.close();
    });

    it("is the image again after a reset, also when it is opened again", async () => {
      const { store, reopen } = await open();
      const disk = await openDisk(store);
      await disk.write(100, filled(9 * CHUNK, 1));
      await disk.reset();
      expectSame(await disk.read(0, SIZE), plain());
      disk.close();
      if (!reopen) return;
      const again = await openDisk(await reopen());
      expect(again.usage.chunks).to.equal(0);
      expectSame(await again.read(0, SIZE), plain());
      again.close();
    });

    it("reads each chunk whole, old or new, while it is being written, and the new one afterwards", async () => {
      const { store } = await open();
      const disk = await openDisk(store);
      const at = 10 * CHUNK;
      await disk.write(at, filled(3 * CHUNK, 1));
      let done = 1;
      const writes = (async () => {
        for (let stamp = 2; stamp <= 40; stamp++) {
          await disk.write(at, filled(3 * CHUNK, stamp));
          done = stamp;
        }
      })();
      const last = [0, 0, 0];
      while (done < 40) {
        const atLeast = done;
        const read = await disk.read(at, 3 * CHUNK);
        for (let chunk = 0; chunk < 3; chunk++) {
          const bytes = read.subarray(chunk * CHUNK, (chunk + 1) * CHUNK);
          const [stamp = 0] = bytes;
          expect(bytes.every((byte) => byte === stamp)).to.equal(true);
          expect(stamp).to.be.at.least(Math.max(atLeast, last[chunk] ?? 0));
          last[chunk] = stamp;
        }
        await new Promise((resolve) => setTimeout(resolve));
      }
      await writes;
      expectSame(await disk.read(at, 3 * CHUNK), filled(3 * CHUNK, 40));
      disk.close();
    });

    it("applies writes that are issued at once in their order", async () => {
      const { store, reopen } = await open();
      const disk = await openDisk(store);
      const model = plain();
      await Promise.all(
        Array.from({ length: 60 }, (_, i) => {
          const at = 10 * CHUNK + ((i * 1000) % CHUNK);
          const data = filled(700 + i * 50, i + 1);
          model.set(data, at);
          return disk.write(at, data);
        }),
      );
      expectSame(await disk.read(0, SIZE), model);
      await disk.flush();
      disk.close();
      if (!reopen) return;
      const again = await openDisk(await reopen());
      expectSame(await again.read(0, SIZE), model);
      again.close();
    });

    it("behaves like a plain array of bytes under any sequence of requests", async () => {
      const request = fc.record({
        offset: fc.integer({ min: 0, max: SIZE - 1 }),
        length: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 4 * CHUNK })),
        byte: fc.integer({ min: 0, max: 255 }),
        kind: fc.constantFrom(
          ...["write", "write", "write", "issue", "issue", "read", "read"],
          ...["aborted write", "settle", "reopen", "reset"],
        ),
      });
      const { runs: numRuns, requests } = SEQUENCES;
      const sequence = fc.array(request, { minLength: requests, maxLength: requests });
      await fc.assert(fc.asyncProperty(sequence, checkSequence), { numRuns });
    });

    interface Request {
      readonly offset: number;
      readonly length: number;
      readonly byte: number;
      readonly kind: string;
    }

    async function checkSequence(sequence: Request[]): Promise<void> {
      const { store, reopen } = await open();
      const retrying: Partial<DiskOptions> = { onStall: () => disk.retry() };
      let disk = await openDisk(store, retrying);
      let model = plain();
      let disarm = () => undefined as unknown;
      for (const [at, { offset, byte, kind, ...wanted }] of sequence.entries()) {
        const length = Math.min(wanted.length, SIZE - offset);
        const data = filled(length, byte);
        if (kind === "write" || kind === "issue" || kind === "aborted write") {
          if (kind === "aborted write") disarm = abortNextWrite();
          model.set(data, offset);
          const write = disk.write(offset, data);
          if (kind !== "issue") await write;
          if (kind === "aborted write") await disk.flush();
          disarm();
        } else if (kind === "read") {
          await disk.flush();
          const expected = model.slice(offset, offset + length);
          expectSame(await disk.read(offset, length), expected);
        } else if (kind === "settle") await disk.flush();
        else if (kind === "reopen" && reopen) {
          await disk.flush();
          disk.close();
          disk = await openDisk(await reopen(), retrying);
        } else if (kind === "reset" && at % 7 === 0) {
          model = plain();
          await disk.reset();
        }
        requestsMade++;
      }
      await disk.flush();
      expectSame(await disk.read(0, SIZE), model);
      const onTop = plain();
      for (const [index, chunk] of await disk.snapshot())
        onTop.set(chunk.subarray(0, SIZE - index * CHUNK), index * CHUNK);
      expectSame(onTop, model);
      disk.close();
    }
  });
}

const overlay = () => {
  const identity = freshIdentity(SIZE);
  return () => openOverlayStore(identity, CHUNK);
};

contract("memory", () => Promise.resolve({ store: memoryChunkStore() }));
contract("IndexedDB", async () => {
  const reopen = overlay();
  return { store: await reopen(), reopen };
});
contract("memory over IndexedDB", async () => ({ store: memoryChunkStore(await overlay()()) }));
contract("IndexedDB of which nothing is cached", async () => {
  // What is written by others before is in no cache of the disk.
  const reopen = overlay();
  const store = await reopen();
  const disk = await openDisk(store);
  await disk.write(0, filled(SIZE, 1));
  await disk.write(0, plain());
  await disk.flush();
  return { store, reopen };
});

describe("the randomised sequences", () => {
  it("made at least 10,000 requests", () => {
    expect(requestsMade).to.be.at.least(10_000);
  });
});
describe("the disk over IndexedDB", () => {
  it("stores nothing of a write whose transaction is aborted, and all of it after a retry", async () => {
    const reopen = overlay();
    const disk = await openDisk(await reopen(), { onStall: ({ problem }) => stalls.push(problem) });
    const stalls: string[] = [];
    await disk.write(0, filled(CHUNK, 1));
    await disk.flush();
    abortNextWrite();
    await disk.write(0, filled(4 * CHUNK, 2));
    const flush = disk.flush();
    while (stalls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(stalls).to.deep.equal(["failed"]);

    const stored = await reopen();
    expect(await stored.snapshot()).to.deep.equal(new Map([[0, filled(CHUNK, 1)]]));
    disk.retry();
    await flush;
    expect((await stored.snapshot()).size).to.equal(4);
    expect((await stored.read(0))[0]).to.equal(2);
    stored.close();
    disk.close();
  });
});
