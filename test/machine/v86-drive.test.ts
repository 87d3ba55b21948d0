import { expect } from "chai";
import { describe, it } from "node:test";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { V86Disk } from "../../src/machine/v86-disk.js";
import { addWriteCache, type Drive } from "../../src/machine/v86-drive.js";

const CHUNK = 4096;
const FLUSH_CACHE = 0xe7;
const BSY = 0x80;

/** What of v86's drive the patch works on; a class of its own each time, for its prototype is patched. */
function driveOf(disk: V86Disk): Drive & { readonly interrupts: number } {
  class FakeDrive implements Drive {
    readonly data = new Uint8Array(512);
    features_reg = 0;
    status_reg = 0x50;
    error_reg = 0;
    current_command = -1;
    interrupts = 0;
    constructor(readonly buffer: unknown) {}
    ata_command(this: Drive, command: number): void {
      this.current_command = command;
      this.status_reg = 0x50;
    }
    create_identify_packet(this: Drive): void {
      this.data.fill(0);
    }
    push_irq(): void {
      this.interrupts++;
    }
  }
  const drive = new FakeDrive(disk);
  addWriteCache(drive);
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
