import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import { diskImage } from "../../src/disk/disk-image.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";

const CHUNK = 4096;

describe("a disk as one file", () => {
  it("has the bytes that the router reads, whatever is stored", async () => {
    const shape = fc.record({
      imageBytes: fc.nat(5 * CHUNK),
      diskBytes: fc.integer({ min: 5 * CHUNK, max: 12 * CHUNK }),
      indexes: fc.uniqueArray(fc.nat(11), { maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ imageBytes, diskBytes, indexes }) => {
        const image = new Uint8Array(imageBytes).fill(7);
        const inside = indexes.filter((index) => index * CHUNK < diskBytes);
        const chunks = new Map(
          inside.map((index) => [index, new Uint8Array(CHUNK).fill(100 + index)]),
        );
        const store = memoryChunkStore();
        await store.commit(chunks);
        const base = new ImageLayer(image, diskBytes);
        const disk = await LayeredDisk.open({ base, store, chunkBytes: CHUNK });
        const file = diskImage(image, chunks, diskBytes, CHUNK);
        expect(new Uint8Array(await file.arrayBuffer())).to.deep.equal(
          await disk.read(0, diskBytes),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("is made at once even when it is large", async () => {
    const diskBytes = 1024 ** 3;
    const last = diskBytes / CHUNK - 1;
    const file = diskImage(
      new Uint8Array(3),
      new Map([[last, new Uint8Array(CHUNK).fill(1)]]),
      diskBytes,
      CHUNK,
    );
    expect(file.size).to.equal(diskBytes);
    const end = new Uint8Array(await file.slice(-CHUNK - 1).arrayBuffer());
    expect([end[0], end[1], end.at(-1)]).to.deep.equal([0, 1, 1]);
  });
});
