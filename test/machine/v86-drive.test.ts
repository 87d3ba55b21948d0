import { expect } from "chai";
import { describe, it } from "node:test";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { V86Disk } from "../../src/machine/v86-disk.js";
import { completeDrives, type Drive } from "../../src/machine/v86-drive.js";

const CHUNK = 4096;
const FLUSH_CACHE = 0xe7;
const BSY = 0x80;

/** What of v86's drive the patch works on; a class of its own each time, for its prototype is patched. */
function driveOf(disk: V86Disk) {
  class FakeDrive implements Drive {
    readonly data = new Uint8Array(512);
    readonly channel = { prdt_addr: 0, dma_status: 0 };
    readonly cpu = { mem8: new Uint8Array(1 << 20) };
    features_reg = 0;
    sector_count_reg = 0;
    status_reg = 0x50;
    error_reg = 0;
    current_command = -1;
    interrupts = 0;
    /** DMA transfers that came to v86's own method */
    written = 0;
    constructor(readonly buffer: unknown) {}
    ata_command(this: Drive, command: number): void {
      this.current_command = command;
      this.status_reg = 0x50;
    }
    create_identify_packet(this: Drive): void {
      this.data.fill(0);
    }
    do_ata_write_sectors_dma(): void {
      this.written++;
    }
    push_irq(): void {
      this.interrupts++;
    }
    /** What v86's channel does when the guest starts the bus master. */
    startDma(): void {
      if (this.current_command === 0x35) (this as Drive).do_ata_write_sectors_dma();
      else throw new Error("v86 ends such a transfer with an error.");
    }
  }
  const drive = new FakeDrive(disk);
  completeDrives(drive);
  return drive;
}

/** A disk whose commits end one by one, when the test says so. */
async function slowDisk() {
  const inner = memoryChunkStore();
  const commits: (() => Promise<void>)[] = [];
  const store: ChunkStore = {
    ...inner,
    commit: (chunks) =>
      new Promise((resolve) =>
        commits.push(async () => {
          await inner.commit(chunks);
          resolve();
          // What waits for the commit runs before the test goes on.
          await new Promise((next) => setTimeout(next));
        }),
      ),
  };
  const base = new ImageLayer(new Uint8Array(CHUNK), 16 * CHUNK);
  const disk = await LayeredDisk.open({ base, store, chunkBytes: CHUNK });
  const begun = async () => {
    while (commits.length === 0) await new Promise((next) => setTimeout(next, 1));
  };
  const end = async () => {
    await begun();
    await commits.shift()?.();
  };
  /** `begun` waits for a commit to begin, `end` ends it. */
  return { disk, inner, begun, end };
}

describe("the drive's write cache", () => {
  it("is flushed when everything written before is stored, and the guest told so once", async () => {
    const { disk, inner, end } = await slowDisk();
    const drive = driveOf(new V86Disk(disk, (error) => expect.fail(String(error))));
    await disk.write(2 * CHUNK, new Uint8Array([1]));
    drive.ata_command(FLUSH_CACHE);
    expect(drive.status_reg).to.equal(BSY);
    expect(drive.interrupts).to.equal(0);
    await end();
    expect(drive.status_reg & BSY).to.equal(0);
    expect(drive.interrupts).to.equal(1);
    expect(await inner.indexes()).to.deep.equal([2]);
  });

  it("is not said to be flushed by a flush that the guest gave up, when it asked again meanwhile", async () => {
    const { disk, inner, begun, end } = await slowDisk();
    const drive = driveOf(new V86Disk(disk, (error) => expect.fail(String(error))));
    await disk.write(2 * CHUNK, new Uint8Array([1]));
    drive.ata_command(FLUSH_CACHE);
    await begun();
    // libata resets a drive that does not answer for 30 s, and goes on.
    drive.status_reg = 0x50;
    await disk.write(3 * CHUNK, new Uint8Array([1]));
    drive.ata_command(FLUSH_CACHE);
    await end();
    expect(await inner.indexes()).to.deep.equal([2]);
    expect(drive.status_reg, "the second write is not stored yet").to.equal(BSY);
    expect(drive.interrupts).to.equal(0);
    await end();
    expect((await inner.indexes()).sort()).to.deep.equal([2, 3]);
    expect(drive.status_reg & BSY).to.equal(0);
    expect(drive.interrupts).to.equal(1);
  });
});

describe("TRIM", () => {
  const DATA_SET_MANAGEMENT = 0x06;
  const SECTOR = 512;
  const ERR = 0x01;

  async function trimmable() {
    const store = memoryChunkStore();
    const base = new ImageLayer(new Uint8Array(CHUNK).fill(7), 16 * CHUNK);
    const disk = await LayeredDisk.open({ base, store, chunkBytes: CHUNK });
    const drive = driveOf(new V86Disk(disk, (error) => expect.fail(String(error))));
    return { disk, store, drive };
  }
  type Drive = Awaited<ReturnType<typeof trimmable>>["drive"];

  /** Lays the ranges out in memory, in two regions, and starts the command as libata does. */
  function trim(drive: Drive, ranges: [sector: number, sectors: number][], blocks = 1): void {
    const { mem8 } = drive.cpu;
    const view = new DataView(mem8.buffer);
    const at = (range: number) => (range < 2 ? 0x1000 : 0x8000 - 2 * 8) + range * 8;
    mem8.fill(0, 0x1000, 0x9000);
    for (const [index, [sector, sectors]] of ranges.entries()) {
      view.setUint32(at(index), sector, true);
      view.setUint16(at(index) + 6, sectors, true);
    }
    for (const [index, [start, length, flags]] of (
      [
        [0x1000, 16, 0],
        [0x8000, blocks * SECTOR - 16, 0x80],
      ] as const
    ).entries()) {
      view.setUint32(0x100 + 8 * index, start, true);
      view.setUint16(0x100 + 8 * index + 4, length, true);
      view.setUint8(0x100 + 8 * index + 7, flags);
    }
    drive.channel.prdt_addr = 0x100;
    drive.features_reg = 1;
    drive.sector_count_reg = blocks;
    drive.ata_command(DATA_SET_MANAGEMENT);
    drive.startDma();
  }
  const answered = async (drive: Drive) => {
    while (drive.status_reg & BSY) await new Promise((next) => setTimeout(next));
  };

  it("is announced, with zeros afterwards, by a drive of ATA-7", async () => {
    const { drive } = await trimmable();
    drive.create_identify_packet();
    const word = (number: number) => new DataView(drive.data.buffer).getUint16(2 * number, true);
    expect(word(169) & 1).to.equal(1);
    expect(word(69) & 0x4020).to.equal(0x4020);
    expect(word(80) & 0x80).to.equal(0x80);
    expect(word(105)).to.be.greaterThan(0);
  });

  it("drops whole chunks, clears parts of others, and shows zeros where the image has none", async () => {
    const { disk, store, drive } = await trimmable();
    await disk.write(0, new Uint8Array(16 * CHUNK).fill(1));
    await disk.flush();
    expect((await store.indexes()).length).to.equal(16);
    const sectors = CHUNK / SECTOR;
    trim(drive, [
      [0, sectors],
      [4 * sectors, 2 * sectors],
      [8 * sectors + 1, 2],
    ]);
    await answered(drive);
    expect(drive.interrupts).to.equal(1);
    await disk.flush();
    expect((await store.indexes()).sort((a, b) => a - b)).to.deep.equal([
      ...[0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    ]);
    expect((await disk.read(0, CHUNK)).every((byte) => byte === 0)).to.equal(true);
    expect((await disk.read(4 * CHUNK, 2 * CHUNK)).every((byte) => byte === 0)).to.equal(true);
    const part = await disk.read(8 * CHUNK, 4 * SECTOR);
    expect([0, 1, 2, 3].map((sector) => part[sector * SECTOR])).to.deep.equal([1, 0, 0, 1]);
    expect(disk.usage.chunks).to.equal(14);
  });

  it("is refused beyond the disk, with too many blocks, and without its feature", async () => {
    const { disk, drive } = await trimmable();
    trim(drive, [[16 * (CHUNK / SECTOR) - 1, 2]]);
    expect(drive.status_reg & ERR).to.equal(ERR);
    drive.status_reg = 0x50;
    drive.sector_count_reg = 9;
    drive.ata_command(DATA_SET_MANAGEMENT);
    expect(drive.status_reg & ERR).to.equal(ERR);
    drive.status_reg = 0x50;
    drive.sector_count_reg = 1;
    drive.features_reg = 0;
    drive.ata_command(DATA_SET_MANAGEMENT);
    expect(drive.status_reg & ERR).to.equal(ERR);
    expect(disk.flushed).to.equal(true);
  });

  it("survives a table of regions that leads anywhere", async () => {
    const { drive } = await trimmable();
    drive.features_reg = 1;
    drive.sector_count_reg = 8;
    for (const address of [0, 0xffffffff, (1 << 20) - 4, 0x200]) {
      drive.cpu.mem8.fill(0xff, 0x200, 0x300);
      drive.channel.prdt_addr = address;
      drive.ata_command(DATA_SET_MANAGEMENT);
      drive.startDma();
      await answered(drive);
    }
  });

  it("leaves other transfers to v86", async () => {
    const { drive } = await trimmable();
    drive.current_command = 0x35;
    drive.startDma();
    expect(drive.written).to.equal(1);
    // Also when ranges were wanted, and the command was given up.
    drive.features_reg = drive.sector_count_reg = 1;
    drive.ata_command(DATA_SET_MANAGEMENT);
    drive.ata_command(0x35);
    drive.startDma();
    expect(drive.written).to.equal(2);
  });
});
