import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import {
  encodeSharedPages,
  PAGE_BYTES,
  readSharedPages,
  type SharedBlock,
} from "../../src/snapshot/shared-pages.js";

const MEMORY_BYTES = 64 * PAGE_BYTES;

/** A zlib stream of pages that are all of one byte each. */
async function zlib(...pages: { fill: number; bytes?: number }[]): Promise<Uint8Array> {
  const parts = pages.map(({ fill, bytes = PAGE_BYTES }) => new Uint8Array(bytes).fill(fill));
  const stream = new Blob(parts).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** An image with these streams, and where they lie in it. */
function image(...streams: Uint8Array[]) {
  const root = new Uint8Array(100 + streams.reduce((sum, { length }) => sum + length, 0));
  let offset = 100;
  const places = streams.map((stream) => {
    root.set(stream, offset);
    const place = { offset, bytes: stream.length };
    offset += stream.length;
    return place;
  });
  return { root: root.buffer, places };
}

const list = (...blocks: SharedBlock[]) => encodeSharedPages(blocks).buffer;
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => "read",
    (error: unknown) => (error instanceof RangeError ? "damaged" : String(error)),
  );

describe("pages that a saved memory shares with the root image", () => {
  it("come back out of the image, each at its address", async () => {
    const streams = [
      await zlib({ fill: 1 }, { fill: 2 }, { fill: 3, bytes: 100 }),
      await zlib({ fill: 4 }),
    ];
    const { root, places } = image(...streams);
    const [first = { offset: 0, bytes: 0 }, second = { offset: 0, bytes: 0 }] = places;
    const pages = await readSharedPages(
      list(
        {
          ...first,
          pages: [
            { guest: 5, block: 1 },
            { guest: 63, block: 0 },
            { guest: 0, block: 2 },
          ],
        },
        { ...second, pages: [{ guest: 7, block: 0 }] },
      ),
      root,
      MEMORY_BYTES,
    );
    expect(
      pages.map(({ address, content }) => [address, content[0], content.length]),
    ).to.deep.equal([
      [5 * PAGE_BYTES, 2, PAGE_BYTES],
      [63 * PAGE_BYTES, 1, PAGE_BYTES],
      // The end of a file: what follows it in the memory is zeros, which the state has.
      [0, 3, 100],
      [7 * PAGE_BYTES, 4, PAGE_BYTES],
    ]);
  });

  it("are none when the list is empty", async () => {
    expect(await readSharedPages(list(), new ArrayBuffer(0), MEMORY_BYTES)).to.deep.equal([]);
  });

  it("are refused when they lie outside the memory, the image or the block", async () => {
    const { root, places } = image(await zlib({ fill: 1 }));
    const place = places[0] ?? { offset: 0, bytes: 0 };
    const good = { guest: 1, block: 0 };
    const read = (block: SharedBlock, from = root) =>
      outcome(readSharedPages(list(block), from, MEMORY_BYTES));
    expect(await read({ ...place, pages: [good] })).to.equal("read");
    expect(await read({ ...place, pages: [{ guest: 64, block: 0 }] })).to.equal("damaged");
    expect(await read({ ...place, pages: [{ guest: 1, block: 1 }] })).to.equal("damaged");
    expect(await read({ ...place, bytes: place.bytes + 1, pages: [good] })).to.equal("damaged");
    expect(await read({ ...place, bytes: place.bytes - 5, pages: [good] })).to.equal("damaged");
    expect(await read({ ...place, offset: 0, pages: [good] })).to.equal("damaged");
    const many = Array.from({ length: 65 }, () => good);
    expect(await read({ ...place, pages: many })).to.equal("damaged");
  });

  it("are refused when a block holds more than a squashfs allows", async () => {
    const { root, places } = image(await zlib({ fill: 0, bytes: 1024 * 1024 + 1 }));
    const block = { ...(places[0] ?? { offset: 0, bytes: 0 }), pages: [{ guest: 0, block: 0 }] };
    expect(await outcome(readSharedPages(list(block), root, MEMORY_BYTES))).to.equal("damaged");
  });

  it("are refused, never half read, when the list is cut or is anything else", async () => {
    const { root, places } = image(await zlib({ fill: 1 }));
    const block = { ...(places[0] ?? { offset: 0, bytes: 0 }), pages: [{ guest: 0, block: 0 }] };
    const whole = new Uint8Array(list(block));
    for (let length = 0; length < whole.length; length++)
      expect(
        await outcome(readSharedPages(whole.slice(0, length).buffer, root, MEMORY_BYTES)),
      ).to.equal("damaged");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.nat(11), async (noise, keep) => {
        const hostile = new Uint8Array([...whole.slice(0, keep + 1), ...noise]);
        const how = await outcome(readSharedPages(hostile.buffer, root, MEMORY_BYTES));
        expect(["read", "damaged"]).to.include(how);
      }),
      { numRuns: 500 },
    );
  });
});
