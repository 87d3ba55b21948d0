import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import { type ByteSource, memorySource } from "../../src/image/byte-source.js";
import { ImageError } from "../../src/image/image-error.js";
import { readPartitions } from "../../src/image/partitions.js";
import { putBootSector, putGpt, sealGpt, SECTOR } from "./disk-images.js";

const SECTORS = 4096;

function blank(): Uint8Array {
  return new Uint8Array(SECTORS * SECTOR);
}

async function refusal(disk: Uint8Array): Promise<string> {
  try {
    const partitions = await readPartitions(memorySource(disk));
    return `read ${partitions.length} partitions`;
  } catch (error) {
    if (error instanceof ImageError) return error.code;
    throw error;
  }
}

/** Counts what is read, to show that it is bounded. */
function watched(disk: Uint8Array) {
  const source = memorySource(disk);
  const read = { bytes: 0 };
  const counting: ByteSource = {
    byteLength: source.byteLength,
    read(offset, length) {
      if (offset < 0 || offset + length > disk.length) throw new RangeError("read outside");
      read.bytes += length;
      return source.read(offset, length);
    },
  };
  return { counting, read };
}

describe("an MBR", () => {
  it("gives the primary partitions of an OpenWrt combined image", async () => {
    const disk = blank();
    putBootSector(disk, 0, [
      [0x83, 512, 1024],
      [0x83, 2048, 2048],
    ]);
    expect(await readPartitions(memorySource(disk))).to.deep.equal([
      { index: 1, type: "0x83", start: 512 * SECTOR, length: 1024 * SECTOR },
      { index: 2, type: "0x83", start: 2048 * SECTOR, length: 2048 * SECTOR },
    ]);
  });

  it("keeps the numbers when an entry between is not in use", async () => {
    const disk = blank();
    putBootSector(disk, 0, [
      [0, 0, 0],
      [0x0c, 64, 1],
      [0x83, 0, 0],
      [0x83, 65, 1],
    ]);
    const indexes = (await readPartitions(memorySource(disk))).map(({ index }) => index);
    expect(indexes).to.deep.equal([2, 4]);
  });

  it("may name more than an unpadded image has, but not begin behind its end", async () => {
    const disk = blank();
    putBootSector(disk, 0, [[0x83, SECTORS - 1, 1_000_000]]);
    expect(await refusal(disk)).to.equal("read 1 partitions");
    putBootSector(disk, 0, [[0x83, SECTORS, 1]]);
    expect(await refusal(disk)).to.equal("damaged");
  });

  it("gives the logical partitions from 5 on", async () => {
    const disk = blank();
    putBootSector(disk, 0, [[0x05, 1000, 1000]]);
    putBootSector(disk, 1000, [
      [0x83, 10, 20],
      [0x05, 100, 50],
    ]);
    putBootSector(disk, 1100, [[0x82, 5, 6]]);
    const found = (await readPartitions(memorySource(disk))).map(
      ({ index, start, length }) => `${index}: ${start / SECTOR}+${length / SECTOR}`,
    );
    expect(found).to.deep.equal(["1: 1000+1000", "5: 1010+20", "6: 1105+6"]);
  });

  it("is refused when its logical partitions lead back to themselves", async () => {
    const disk = blank();
    putBootSector(disk, 0, [[0x0f, 1000, 1000]]);
    putBootSector(disk, 1000, [
      [0x83, 10, 20],
      [0x05, 100, 50],
    ]);
    putBootSector(disk, 1100, [
      [0x83, 10, 20],
      [0x05, 0, 50],
    ]);
    expect(await refusal(disk)).to.equal("damaged");
  });

  it("is refused when its logical partitions go on and on", async () => {
    const disk = blank();
    putBootSector(disk, 0, [[0x0f, 1000, 1000]]);
    for (let i = 0; i < 900; i++)
      putBootSector(disk, 1000 + i, [
        [0x83, 10, 20],
        [0x05, i + 1, 1],
      ]);
    expect(await refusal(disk)).to.equal("damaged");
  });

  it("is no partition table without its signature", async () => {
    expect(await refusal(blank())).to.equal("read 0 partitions");
    expect(await refusal(new Uint8Array(100))).to.equal("read 0 partitions");
  });
});

describe("a GPT", () => {
  function twoPartitions(): Uint8Array {
    const disk = blank();
    putGpt(disk, [
      { type: 0x10, first: 512n, last: 1535n, name: "kernel" },
      { type: 0x20, first: 2048n, last: 2048n },
    ]);
    return disk;
  }

  it("gives number, type, place and name of its partitions", async () => {
    expect(await readPartitions(memorySource(twoPartitions()))).to.deep.equal([
      {
        index: 1,
        type: "13121110-1514-1716-1819-1a1b1c1d1e1f",
        start: 512 * SECTOR,
        length: 1024 * SECTOR,
        name: "kernel",
      },
      {
        index: 2,
        type: "23222120-2524-2726-2829-2a2b2c2d2e2f",
        start: 2048 * SECTOR,
        length: SECTOR,
      },
    ]);
  });

  it("is refused when the header's checksum is wrong", async () => {
    const disk = twoPartitions();
    disk[SECTOR + 40] = 1;
    expect(await refusal(disk)).to.equal("damaged");
  });

  it("is refused when the entries' checksum is wrong", async () => {
    const disk = twoPartitions();
    disk[2 * SECTOR + 40] = 1;
    expect(await refusal(disk)).to.equal("damaged");
  });

  it("is refused when the header is missing", async () => {
    const disk = twoPartitions();
    disk.fill(0, SECTOR, 2 * SECTOR);
    expect(await refusal(disk)).to.equal("damaged");
  });

  it("is refused when it ends before its entries do", async () => {
    expect(await refusal(twoPartitions().slice(0, 8 * SECTOR))).to.equal("truncated");
    expect(await refusal(twoPartitions().slice(0, SECTOR))).to.equal("truncated");
  });

  it("is refused when number or size of entries are absurd, whatever the checksum says", async () => {
    for (const [count, size] of [
      [0xffffffff, 128],
      [128, 0xffffffff],
      [128, 0],
      [128, 129],
      [0, 128],
    ] as const) {
      const disk = twoPartitions();
      const view = new DataView(disk.buffer);
      view.setUint32(SECTOR + 80, count, true);
      view.setUint32(SECTOR + 84, size, true);
      sealGpt(disk);
      expect(await refusal(disk), `${count} × ${size}`).to.equal("damaged");
    }
  });

  it("is refused when a partition lies outside every disk or ends before it begins", async () => {
    for (const [first, last] of [
      [2n ** 63n, 2n ** 63n],
      [100n, 2n ** 64n - 1n],
      [100n, 98n],
      [BigInt(SECTORS), BigInt(SECTORS)],
    ] as const) {
      const disk = blank();
      putGpt(disk, [{ type: 1, first, last }]);
      expect(await refusal(disk)).to.equal("damaged");
    }
  });
});

describe("any other disk image", () => {
  const base = blank();
  putGpt(base, [{ type: 1, first: 100n, last: 200n, name: "rootfs" }]);
  const chain = blank();
  putBootSector(chain, 0, [[0x05, 1, 4000]]);
  for (let i = 1; i < 200; i++) putBootSector(chain, i, [[0x05, i, 5]]);

  it("is read within bounds, in the end, or refused", async () => {
    const change = fc.record({
      at: fc.oneof(fc.nat(1100), fc.integer({ min: 440, max: 512 })),
      value: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(base, chain),
        fc.array(change, { maxLength: 12 }),
        fc.nat(SECTORS * SECTOR),
        fc.boolean(),
        async (original, changes, length, seal) => {
          const disk = original.slice(0, Math.max(length, SECTOR * 40));
          for (const { at, value } of changes) disk[at] = value;
          if (seal) sealGpt(disk);
          const { counting, read } = watched(disk);
          try {
            for (const partition of await readPartitions(counting)) {
              expect(partition.start).to.be.within(SECTOR, disk.length - 1);
              expect(Number.isSafeInteger(partition.start + partition.length)).to.equal(true);
            }
          } catch (error) {
            if (!(error instanceof ImageError)) throw error;
          }
          expect(read.bytes).to.be.below(2 ** 21);
        },
      ),
      { numRuns: 500 },
    );
  });
});
