/** What the router's disk must do over every chunk store. A new store is added to disk-contract.test.ts, or to a test of its own where that runs. */
import fc from "fast-check";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { type DiskOptions, LayeredDisk } from "../../src/disk/layered-disk.js";
import type { OpenedStore, Suite } from "./contracts.js";
import { expectSame, rejection } from "./helpers.js";

const SECTOR = 512;
export const CHUNK = 4096;
/** Size of the disk in bytes; ends inside a chunk. */
export const SIZE = 40 * CHUNK + SECTOR;
/** Ends inside a chunk and inside a sector. */
const IMAGE = Uint8Array.from({ length: 5 * CHUNK + 700 }, (_, at) => (at * 7) & 0xff);
const SEQUENCES = { runs: 40, requests: 80 };
/** How often each kind of request must have come up over each store, of 3,200: fewer, and the generator is broken. */
const LEAST = { read: 300, write: 300, discard: 300, "failed write": 50, reopen: 50, reset: 3 };

export function openDisk(
  store: ChunkStore,
  options: Partial<DiskOptions> = {},
): Promise<LayeredDisk> {
  const base = new ImageLayer(IMAGE, SIZE);
  return LayeredDisk.open({ base, store, chunkBytes: CHUNK, ...options });
}

/** A disk's content as a plain array. */
export function plain(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  bytes.set(IMAGE);
  return bytes;
}

export const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

/** @param open a new store, for chunks of {@link CHUNK} bytes of a disk of {@link SIZE} */
export function diskContract(
  { describe, it, expect }: Suite,
  name: string,
  open: () => Promise<OpenedStore>,
): void {
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

    it("stores no chunk any more that is given up, and shows zeros there", async () => {
      const { store, reopen } = await open();
      const disk = await openDisk(store);
      await disk.write(0, filled(20 * CHUNK, 1));
      await disk.flush();
      // Of a chunk that the image has something in, and of a part of one, zeros are stored.
      await disk.discard(4 * CHUNK, 10 * CHUNK + 100);
      const model = plain();
      model.fill(1, 0, 4 * CHUNK);
      model.fill(0, 4 * CHUNK, 14 * CHUNK + 100);
      model.fill(1, 14 * CHUNK + 100, 20 * CHUNK);
      expectSame(await disk.read(0, SIZE), model);
      await disk.flush();
      expect(disk.usage.chunks).to.equal(12);
      expect((await store.indexes()).length).to.equal(12);
      expectSame(await disk.read(0, SIZE), model);
      // Writing zeros gives a chunk up as well; and one that was given up takes writes.
      await disk.write(15 * CHUNK, filled(CHUNK, 0));
      await disk.write(8 * CHUNK + 5, filled(1, 9));
      model.fill(0, 15 * CHUNK, 16 * CHUNK);
      model[8 * CHUNK + 5] = 9;
      await disk.flush();
      expect((await store.indexes()).length).to.equal(12);
      if (reopen) disk.close();
      const again = await openDisk(reopen ? await reopen() : store);
      expectSame(await again.read(0, SIZE), model);
      again.close();
    });

    it("stays a disk that was written to when everything on it is given up", async () => {
      const { store } = await open();
      const seed = new Map([[9, filled(CHUNK, 3)]]);
      const disk = await openDisk(store, { seed });
      await disk.write(10 * CHUNK, filled(CHUNK, 1));
      await disk.discard(9 * CHUNK, 2 * CHUNK);
      await disk.flush();
      await disk.discard(9 * CHUNK, 2 * CHUNK);
      await disk.flush();
      expect(disk.isOwn).to.equal(true);
      const again = await openDisk(store, { seed });
      expectSame(await again.read(0, SIZE), plain());
      again.close();
    });

    it("is the image again over a store that was cleared", async () => {
      const { store } = await open();
      const disk = await openDisk(store);
      await disk.write(100, filled(9 * CHUNK, 1));
      await disk.flush();
      await store.clear();
      const again = await openDisk(store);
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
          ...["discard", "discard", "issued discard"],
          ...["failed write", "settle", "reopen", "reset"],
        ),
      });
      const { runs: numRuns, requests } = SEQUENCES;
      const sequence = fc.array(request, { minLength: requests, maxLength: requests });
      const made = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(sequence, (requests) => checkSequence(requests, made)),
        { numRuns },
      );
      for (const [kind, least] of Object.entries(LEAST))
        expect(made.get(kind) ?? 0, kind).to.be.at.least(least);
    });

    interface Request {
      readonly offset: number;
      readonly length: number;
      readonly byte: number;
      readonly kind: string;
    }

    /** @param made counts what was done and compared, by kind */
    async function checkSequence(sequence: Request[], made: Map<string, number>): Promise<void> {
      const opened = await open();
      const { reopen = () => Promise.resolve(store), failNextWrite = () => () => undefined } =
        opened;
      let { store } = opened;
      const retrying: Partial<DiskOptions> = { onStall: () => disk.retry() };
      let disk = await openDisk(store, retrying);
      let model = plain();
      let disarm = () => undefined as unknown;
      for (const [at, { offset, byte, kind, ...wanted }] of sequence.entries()) {
        const length = Math.min(wanted.length, SIZE - offset);
        const data = filled(length, byte);
        if (kind === "write" || kind === "issue" || kind === "failed write") {
          if (kind === "failed write") disarm = failNextWrite();
          model.set(data, offset);
          const write = disk.write(offset, data);
          if (kind !== "issue") await write;
          if (kind === "failed write") await disk.flush();
          disarm();
        } else if (kind === "discard" || kind === "issued discard") {
          model.fill(0, offset, offset + length);
          const discard = disk.discard(offset, length);
          if (kind === "discard") await discard;
        } else if (kind === "read") {
          await disk.flush();
          const expected = model.slice(offset, offset + length);
          expectSame(await disk.read(offset, length), expected);
        } else {
          await disk.flush();
          if (kind === "reset" && at % 7 === 0) {
            model = plain();
            await store.clear();
          } else if (kind === "reopen" || kind === "reset") {
            if (opened.reopen) store.close();
            store = await reopen();
          }
          if (kind !== "settle") disk = await openDisk(store, retrying);
        }
        made.set(kind, (made.get(kind) ?? 0) + 1);
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
