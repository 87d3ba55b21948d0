import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import { ArchiveError } from "../../src/overlay/archive-error.js";
import { formerDigests } from "../../src/firmware/identity.js";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { readArchive, writeArchive } from "../../src/overlay/archive.js";
import { OLD_ARCHIVE_FIRMWARE, oldArchive } from "./old-archives.js";
import { changeHeader, sealed, withBody } from "./archives.js";
import { chunkOf, chunksOf, rejection } from "../disk/helpers.js";

const CHUNK = 512;
const SHAPE = {
  overlay: "default",
  root: "ab".repeat(32),
  diskBytes: 40 * CHUNK,
  chunkBytes: CHUNK,
};
const CHUNKS = chunksOf({ 0: 1, 7: 2, 39: 3 }, CHUNK);

const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());
const good = async () => bytesOf(await writeArchive(SHAPE, CHUNKS));

/** Problem of the refusal of these bytes. */
async function refusal(bytes: Uint8Array<ArrayBuffer>, expected = SHAPE): Promise<string> {
  const error = await rejection(readArchive(new Blob([bytes]), expected));
  if (error instanceof ArchiveError) return error.problem;
  throw error;
}

describe("an exported overlay", () => {
  it("gives back the chunks", async () => {
    expect(await readArchive(await writeArchive(SHAPE, CHUNKS), SHAPE)).to.deep.equal(CHUNKS);
  });

  it("gives back any chunks, also none", async () => {
    const seeds = fc.dictionary(fc.nat(39).map(String), fc.nat(255), { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(seeds, async (some) => {
        const chunks = chunksOf(some, CHUNK);
        expect(await readArchive(await writeArchive(SHAPE, chunks), SHAPE)).to.deep.equal(chunks);
      }),
      { numRuns: 100 },
    );
    const none = await readArchive(await writeArchive(SHAPE, new Map()), SHAPE);
    expect(none.size).to.equal(0);
  });

  it("may be imported under another overlay name", async () => {
    const other = { ...SHAPE, overlay: "other" };
    expect(await readArchive(await writeArchive(SHAPE, CHUNKS), other)).to.deep.equal(CHUNKS);
    const long = { ...SHAPE, overlay: "x".repeat(1e6), title: "y".repeat(1e6) };
    expect(await readArchive(await writeArchive(long, CHUNKS), SHAPE)).to.deep.equal(CHUNKS);
  });

  it("may have larger chunks, as those of older versions have", async () => {
    const large = { ...SHAPE, diskBytes: 40 * CHUNK, chunkBytes: 4 * CHUNK };
    const chunks = chunksOf({ 0: 1, 9: 2 }, 4 * CHUNK);
    const read = await readArchive(await writeArchive(large, chunks), SHAPE);
    expect([...read.keys()]).to.deep.equal([0, 1, 2, 3, 36, 37, 38, 39]);
    for (const [index, chunk] of read) {
      const part = (index % 4) * CHUNK;
      expect(chunk).to.deep.equal(chunks.get(index >> 2)?.slice(part, part + CHUNK));
      expect(chunk.buffer.byteLength).to.equal(CHUNK);
    }
  });

  it("is smaller than what it holds, and takes a full disk of noise too", async () => {
    const shape = { ...SHAPE, diskBytes: 64 * CHUNK_BYTES, chunkBytes: CHUNK_BYTES };
    const empty = new Map([[3, new Uint8Array(CHUNK_BYTES)]]);
    expect((await writeArchive(shape, empty)).size).to.be.below(1000);
    const noise = new Map(
      Array.from({ length: 64 }, (_, index) => [
        index,
        crypto.getRandomValues(new Uint8Array(CHUNK_BYTES)),
      ]),
    );
    expect(await readArchive(await writeArchive(shape, noise), shape)).to.deep.equal(noise);
  });
});

describe("an exported overlay of version 1", () => {
  const bytes = oldArchive();
  const firmware = OLD_ARCHIVE_FIRMWARE;

  it("is read by a router whose root had that kernel, among others", async () => {
    const expected = { ...SHAPE, root: "b".repeat(64), former: ["e".repeat(64), firmware] };
    expect(await readArchive(new Blob([bytes]), expected)).to.deep.equal(CHUNKS);
    const former = await formerDigests("b".repeat(64), ["a".repeat(64)]);
    const known = { ...SHAPE, root: "b".repeat(64), former };
    expect(await readArchive(new Blob([bytes]), known)).to.deep.equal(CHUNKS);
  });

  it("is refused by every other one, with the firmware that it belongs to", async () => {
    for (const expected of [
      { ...SHAPE, root: "b".repeat(64) },
      { ...SHAPE, root: "b".repeat(64), former: ["e".repeat(64)] },
      // A root is no firmware of then.
      { ...SHAPE, root: firmware },
    ]) {
      const error = await rejection(readArchive(new Blob([bytes]), expected));
      expect(error).to.have.property("problem", "other-firmware");
      expect(error)
        .to.have.property("message")
        .that.matches(/“Demo 1\.0”, digest f1910cfc3e1579c1\./);
    }
  });

  it("is written for an overlay whose root nobody knows, and read where it is known", async () => {
    const { overlay, diskBytes, chunkBytes } = SHAPE;
    const copy = await writeArchive({ firmware, overlay, diskBytes, chunkBytes }, CHUNKS);
    expect((await bytesOf(copy))[12]).to.equal(1);
    const expected = { ...SHAPE, root: "b".repeat(64), former: [firmware] };
    expect(await readArchive(copy, expected)).to.deep.equal(CHUNKS);
  });
});

describe("a file that is no good exported overlay", () => {
  it("is refused when it is something else", async () => {
    for (const text of ["x", "hsqs", "OWRTPLAYER, a text", "PK\x03\x04".padEnd(1000)])
      expect(await refusal(new TextEncoder().encode(text))).to.equal("not-archive");
  });

  it("is refused when it has a newer format", async () => {
    const bytes = await good();
    bytes[12] = 3;
    expect(await refusal(bytes)).to.equal("newer");
  });

  it("is refused when it was made for another firmware, and says for which", async () => {
    const bytes = await bytesOf(await writeArchive({ ...SHAPE, title: "OpenWrt 18.06.1" }, CHUNKS));
    const other = { ...SHAPE, root: "cd".repeat(32) };
    const error = await rejection(readArchive(new Blob([bytes]), other));
    expect(error).to.have.property("problem", "other-firmware");
    expect(error)
      .to.have.property("message")
      .that.matches(/OpenWrt 18\.06\.1.*digest abab/);
  });

  it("is refused when it was made for another disk", async () => {
    const bytes = await good();
    const { diskBytes } = SHAPE;
    expect(await refusal(bytes, { ...SHAPE, diskBytes: 2 * diskBytes })).to.equal("other-disk");
    expect(await refusal(bytes, { ...SHAPE, chunkBytes: 2 * CHUNK })).to.equal("other-disk");
  });

  it("is refused when it is cut, wherever that is", async () => {
    const bytes = await good();
    for (let length = 0; length < bytes.length; length++)
      expect(await refusal(bytes.slice(0, length)), `${length} bytes`).to.equal("truncated");
  });

  it("is refused when a single bit changed, in whichever byte that is", async () => {
    const bytes = await good();
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const allowed = at < 12 ? ["not-archive"] : ["damaged", "newer", "truncated"];
      expect(allowed, `byte ${at}`).to.include(await refusal(changed));
    }
  });

  it("is refused when something follows it", async () => {
    const bytes = await good();
    for (const tail of [new Uint8Array(1), bytes])
      expect(await refusal(new Uint8Array([...bytes, ...tail]))).to.equal("damaged");
  });

  it("is refused when its header is not what it must be, whatever the checksums say", async () => {
    for (const change of [
      { chunks: 41 },
      { chunks: 2 ** 32 },
      { chunks: -1 },
      { chunks: "3" },
      { chunks: 2 },
      { chunks: 4 },
      { bodyBytes: 2 ** 40 },
      { bodyBytes: null },
      { root: "" },
      { root: undefined },
      { overlay: 7 },
      { firmwareTitle: {} },
      { overlay: "x".repeat(201) },
    ])
      expect(
        await refusal(await changeHeader(await good(), change)),
        JSON.stringify(change),
      ).to.equal("damaged");
    for (const json of ["", "[1", "null", "7", '"x"', "[]", "\xff"])
      expect(await refusal(await changeHeader(await good(), json)), json).to.equal("damaged");
  });

  it("is refused when its header is larger than 64 KiB", async () => {
    expect(await refusal(await changeHeader(await good(), "[".repeat(65537)))).to.equal("damaged");
    const bytes = await good();
    new DataView(bytes.buffer).setUint32(16, 0xffffffff, true);
    expect(await refusal(bytes)).to.equal("damaged");
  });

  it("is refused when its chunks are out of order, doubled, outside the disk or spoilt", async () => {
    const chunk = chunkOf(1, CHUNK);
    for (const [why, indexes] of [
      ["out of order", [7, 0]],
      ["doubled", [7, 7]],
      ["outside", [7, 40]],
      ["far outside", [7, 0xffffffff]],
    ] as const)
      expect(
        await refusal(
          await sealed(
            SHAPE,
            indexes.map((index) => ({ index, chunk })),
          ),
        ),
        why,
      ).to.equal("damaged");
    const spoilt = await sealed(SHAPE, [{ index: 7, chunk, checksum: 1 }]);
    expect(await refusal(spoilt)).to.equal("damaged");
    const whole = await sealed(SHAPE, [{ index: 7, chunk }]);
    expect((await readArchive(new Blob([whole]), SHAPE)).get(7)).to.deep.equal(chunk);
  });

  it("is refused when its body is cut, not compressed, or compressed and followed by more", async () => {
    const bytes = await good();
    for (const change of [
      (body: number[]) => body.slice(0, -1),
      (body: number[]) => body.slice(0, -9),
      (body: number[]) => body.slice(1),
      (body: number[]) => [...body, 0],
      () => [],
      () => [1, 2, 3, 4],
    ])
      expect(await refusal(await withBody(bytes, change))).to.equal("damaged");
  });

  it("is refused at the first byte too many when it would decompress to more than it announces", async () => {
    const bomb = await new Response(
      new Blob([new Uint8Array(64 << 20)]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer();
    const began = performance.now();
    const record = { index: 0, chunk: new Uint8Array(CHUNK) };
    const bytes = await withBody(await sealed(SHAPE, [record, { ...record, index: 1 }]), () => [
      ...new Uint8Array(bomb),
    ]);
    // Too long for two chunks already compressed.
    expect(await refusal(bytes)).to.equal("damaged");
    const shape = { ...SHAPE, diskBytes: 4096 * CHUNK };
    const many = Array.from({ length: 200 }, (_, index) => ({ ...record, index }));
    const longer = await withBody(await sealed(shape, many), () => [...new Uint8Array(bomb)]);
    expect(await refusal(longer, shape)).to.equal("damaged");
    expect(performance.now() - began).to.be.below(5000);
  });
});
