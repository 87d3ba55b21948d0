/** Squashfs superblocks and partition tables from anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteSource } from "../../src/image/byte-source.js";
import { crc32 } from "../../src/common/crc32.js";
import { ImageError } from "../../src/image/image-error.js";
import { readPartitions } from "../../src/image/partitions.js";
import { overlayOffset, readSuperblock } from "../../src/image/squashfs.js";
import { putBootSector, putGpt, SECTOR, superblock } from "../image/disk-images.js";
import { type Bytes, fuzz, spoil } from "./random.js";

/** What `read` gave, or the code of its refusal; throws what is no refusal. */
async function outcome(read: () => unknown): Promise<string> {
  try {
    await read();
    return "read";
  } catch (error) {
    if (error instanceof ImageError) return error.code;
    throw error;
  }
}

test("a squashfs superblock from anywhere is read or refused", async () => {
  const good = superblock();
  await fuzz("squashfs", (random) => {
    const bytes = random.oneIn(8) ? random.bytes(random.below(200)) : spoil(good, random);
    if (random.oneIn(16)) bytes.set(good.subarray(0, Math.min(4, bytes.length)));
    const imageBytes = random.pick([undefined, 0, 999, 1000, 2 ** 40]);
    return outcome(() => {
      const { bytesUsed, blockBytes } = readSuperblock(bytes, imageBytes);
      assert.ok(bytesUsed >= 96 && bytesUsed <= (imageBytes ?? Infinity));
      assert.ok(blockBytes >= 4096 && blockBytes <= 2 ** 20);
      const offset = overlayOffset(bytes);
      assert.ok(Number.isSafeInteger(offset) && offset >= bytesUsed && offset % 65536 === 0);
    });
  });
});

/** Reads a partition table and checks the result, and that no more was read than the disk has, and a chain of it. */
function readTable(disk: Bytes): Promise<string> {
  return outcome(async () => {
    let read = 0;
    const source: ByteSource = {
      byteLength: disk.length,
      read(offset, length) {
        assert.ok(offset >= 0 && length >= 0 && offset + length <= disk.length, "read outside");
        read += length;
        // Here, so that a chain without end does not hang.
        assert.ok(read <= disk.length + 130 * SECTOR, `${read} bytes of ${disk.length} read`);
        return Promise.resolve(disk.subarray(offset, offset + length));
      },
    };
    const partitions = await readPartitions(source);
    assert.ok(partitions.length <= Math.max(132, disk.length / 128));
    for (const { start, length, name } of partitions) {
      assert.ok(start >= SECTOR && start < disk.length && length > 0);
      assert.ok(Number.isSafeInteger(start + length));
      assert.ok((name?.length ?? 0) <= 36);
    }
  });
}

/** Bytes of a boot sector that mean something. */
const entriesOf = (sector: number) =>
  Array.from({ length: 64 }, (_, at) => sector * SECTOR + 446 + at);

test("an MBR from anywhere is read or refused", async () => {
  const primary = new Uint8Array(32 * SECTOR);
  putBootSector(primary, 0, [
    [0x83, 2, 4],
    [0x0c, 8, 8],
    [0x83, 20, 100],
  ]);
  const logical = new Uint8Array(32 * SECTOR);
  putBootSector(logical, 0, [
    [0x83, 1, 2],
    [0x05, 4, 28],
  ]);
  for (let link = 0; link < 20; link++)
    putBootSector(logical, 4 + link, [
      [0x83, 1, 1],
      [0x05, link + 1, 2],
    ]);
  putBootSector(logical, 24, [[0x82, 1, 1]]);
  const links = [0, ...Array.from({ length: 21 }, (_, at) => at + 4)].flatMap(entriesOf);

  await fuzz("MBR", (random) => {
    if (!random.oneIn(8))
      return random.oneIn(2)
        ? readTable(spoil(primary, random, entriesOf(0)))
        : readTable(spoil(logical, random, links));
    const bytes = random.bytes(random.below(4) * SECTOR + random.below(SECTOR));
    if (bytes.length >= SECTOR) bytes.set([0x55, 0xaa], 510);
    return readTable(bytes);
  });
});

/** Makes the checksums right for whatever size the header gives its table and itself. */
function seal(disk: Bytes): Bytes {
  if (disk.length < 2 * SECTOR) return disk;
  const view = new DataView(disk.buffer);
  const first = Number(view.getBigUint64(SECTOR + 72, true)) * SECTOR;
  const bytes = view.getUint32(SECTOR + 80, true) * view.getUint32(SECTOR + 84, true);
  if (first + bytes <= disk.length)
    view.setUint32(SECTOR + 88, crc32(disk.subarray(first, first + bytes)), true);
  const headerBytes = Math.min(view.getUint32(SECTOR + 12, true), SECTOR);
  view.setUint32(SECTOR + 16, 0, true);
  view.setUint32(SECTOR + 16, crc32(disk.subarray(SECTOR, SECTOR + headerBytes)), true);
  return disk;
}

test("a GPT from anywhere is read or refused", async () => {
  const whole = new Uint8Array(64 * SECTOR);
  putGpt(whole, [
    { type: 0x10, first: 40n, last: 45n, name: "kernel" },
    { type: 0x20, first: 46n, last: 63n, name: "rootfs" },
  ]);
  // A table of eight entries: most of 128 would be checksums of zeros.
  new DataView(whole.buffer).setUint32(SECTOR + 80, 8, true);
  const good = seal(whole.slice(0, 48 * SECTOR));
  const header = Array.from({ length: 92 }, (_, at) => SECTOR + at);
  const entries = Array.from({ length: 300 }, (_, at) => 2 * SECTOR + at);

  await fuzz("GPT", (random) => {
    if (random.oneIn(16)) {
      const noise = random.bytes(random.below(6) * SECTOR);
      noise.set(good.subarray(0, Math.min(noise.length, 2 * SECTOR - random.below(600))));
      return readTable(random.oneIn(2) ? seal(noise) : noise);
    }
    const spoilt = spoil(good, random, random.pick([header, entries, [...header, ...entries]]));
    return readTable(random.oneIn(5) ? spoilt : seal(spoilt));
  });
});
