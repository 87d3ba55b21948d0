import { expect } from "chai";
import { describe, it } from "node:test";
import { deferred } from "../../src/common/deferred.js";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { StorageError } from "../../src/disk/errors.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { MemoryKeeper } from "../../src/machine/memory-keeper.js";
import type { StoppedMachine } from "../../src/snapshot/memory-image.js";
import type { KeptMemory, MemorySave, MemoryStore } from "../../src/snapshot/memory-store.js";
import { PAGE_BYTES } from "../../src/snapshot/shared-pages.js";

const CHUNK = 4096;
const PAGES = 8;
const PC = { v86: "0.5.462", devices: 1, memoryBytes: PAGES * PAGE_BYTES, kernel: "0" };

/** A store that writes down what it is told, and does it when the test lets it. */
class FakeStore implements MemoryStore {
  kept: KeptMemory | undefined;
  readonly saves: MemorySave[] = [];
  drops = 0;
  closed = false;
  failure: StorageError | undefined;
  gate: Promise<void> = Promise.resolve();

  get bytes(): number {
    return (this.kept?.pages.size ?? 0) * PAGE_BYTES;
  }

  load(): Promise<KeptMemory | undefined> {
    return Promise.resolve(this.kept);
  }

  async save(save: MemorySave): Promise<number> {
    await this.gate;
    if (this.failure) throw this.failure;
    this.saves.push(save);
    this.kept = { ...save, pages: new Map(save.pages) };
    return save.changes.size * PAGE_BYTES;
  }

  drop(): Promise<boolean> {
    const was = this.kept !== undefined;
    this.kept = undefined;
    this.drops++;
    return Promise.resolve(was);
  }

  close(): void {
    this.closed = true;
  }
}

/** A router: its memory, its disk, and whether it stands still. */
class FakeRouter {
  readonly store = new FakeStore();
  readonly memory = new Uint8Array(PAGES * PAGE_BYTES);
  /** what it takes until it stands still */
  idle: () => Promise<void> = () => Promise.resolve();
  stopped = 0;
  stops = 0;
  overlaps = 0;

  constructor(
    readonly disk: LayeredDisk,
    readonly chunks: ChunkStore,
  ) {}

  static async make({ seed = false, changed = true } = {}): Promise<FakeRouter> {
    const chunks: ChunkStore = { ...memoryChunkStore(), durability: "strict" };
    const disk = await LayeredDisk.open({
      base: new ImageLayer(new Uint8Array(CHUNK), 16 * CHUNK),
      store: chunks,
      chunkBytes: CHUNK,
      seed: seed ? new Map([[3, new Uint8Array(CHUNK).fill(3)]]) : undefined,
    });
    const router = new FakeRouter(disk, chunks);
    if (changed) await router.write();
    return router;
  }

  /** Changes something on the disk. */
  async write(): Promise<void> {
    await this.disk.write(5 * CHUNK, crypto.getRandomValues(new Uint8Array(16)));
    await this.disk.flush();
  }

  keeper(restored?: KeptMemory): MemoryKeeper {
    return new MemoryKeeper({
      ...{ store: this.store, pc: PC, disk: this.disk, restored },
      still: (take) => this.#still(take),
      console: () => new TextEncoder().encode("screen"),
    });
  }

  async #still<T>(take: (machine: StoppedMachine) => T): Promise<T> {
    if (this.stopped++ > 0) this.overlaps++;
    try {
      await this.disk.flush();
      await this.idle();
      this.stops++;
      return take({
        devices: new Uint8Array([1, 2, 3]).buffer,
        memory: this.memory,
        isZero: (page) =>
          this.memory
            .subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
            .every((byte) => byte === 0),
      });
    } finally {
      this.stopped--;
    }
  }
}

const problem = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof StorageError ? error.problem : String(error)),
  );

describe("the keeper of a router's memory", () => {
  it("saves all of it first, and then what changed", async () => {
    const router = await FakeRouter.make();
    const keeper = router.keeper();
    router.memory.fill(1);
    expect(keeper.isCurrent).to.equal(false);
    expect((await keeper.save())?.pages).to.equal(PAGES + 1);
    expect(keeper.isCurrent).to.equal(true);
    router.memory[2 * PAGE_BYTES] = 2;
    router.memory.fill(0, 4 * PAGE_BYTES, 5 * PAGE_BYTES);
    expect((await keeper.save())?.pages).to.equal(2);
    expect([...(router.store.saves[1]?.changes.keys() ?? [])].sort()).to.deep.equal([2, 4]);
    const { kept } = router.store;
    expect(kept?.pages.get(2)?.[0]).to.equal(2);
    expect(kept?.pages.has(4)).to.equal(false);
    expect(kept?.generation).to.equal(router.disk.generation);
    expect(kept).to.deep.include({ pc: PC, deviceBytes: 3 });
  });

  it("goes on from the memory that its router was restored from", async () => {
    const router = await FakeRouter.make();
    router.memory.fill(1);
    await router.keeper().save();
    const keeper = router.keeper(await router.store.load());
    expect(keeper.isCurrent).to.equal(true);
    router.memory[0] = 9;
    expect((await keeper.save())?.pages).to.equal(1);
  });

  it("says of what disk its memory is: the one at the moment when the router stood still", async () => {
    const router = await FakeRouter.make();
    const keeper = router.keeper();
    const gate = deferred();
    router.store.gate = gate.promise;
    const save = keeper.save();
    while (router.stops === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const then = router.disk.generation;
    await router.write();
    gate.resolve();
    await save;
    expect(router.store.kept?.generation).to.equal(then);
    expect(keeper.isCurrent, "the disk has moved on").to.equal(false);
  });

  it("is one save for all who ask before the router stands still, and another for who asks then", async () => {
    const router = await FakeRouter.make();
    const keeper = router.keeper();
    const idle = deferred();
    router.idle = () => idle.promise;
    const first = [keeper.save(), keeper.save(), keeper.save()];
    idle.resolve();
    while (router.stops === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const later = [keeper.save(), keeper.save()];
    await Promise.all([...first, ...later]);
    expect(router.store.saves.length).to.equal(2);
    expect(router.overlaps, "two that stop the router").to.equal(0);
  });

  it("keeps nothing of a router that nobody used and whose disk is untouched", async () => {
    const router = await FakeRouter.make({ seed: true, changed: false });
    const keeper = router.keeper();
    expect(await keeper.save()).to.equal(undefined);
    expect(router.stops, "it is not stopped for that").to.equal(0);
    expect(router.chunks.generation()).to.equal(0);
  });

  it("gives an untouched router that somebody used a disk of its own, to which its memory belongs", async () => {
    const router = await FakeRouter.make({ seed: true, changed: false });
    const keeper = router.keeper();
    keeper.used();
    await keeper.save();
    expect(await router.chunks.indexes()).to.deep.equal([3]);
    expect(router.store.kept?.generation).to.equal(router.chunks.generation());
    expect(router.store.kept?.generation).to.be.greaterThan(0);
  });

  it("keeps nothing of a router whose disk is nowhere stored, also when that comes about meanwhile", async () => {
    const router = await FakeRouter.make();
    const keeper = router.keeper();
    const idle = deferred();
    router.idle = () => idle.promise;
    const save = keeper.save();
    await router.disk.detach();
    idle.resolve();
    expect(await save).to.equal(undefined);
    expect(await keeper.save()).to.equal(undefined);
    expect(router.store.saves).to.deep.equal([]);
    expect(router.stops).to.equal(1);
  });

  it("saves all of it again after a failure", async () => {
    const router = await FakeRouter.make();
    const keeper = router.keeper();
    router.memory.fill(1);
    await keeper.save();
    router.store.failure = new StorageError("failed");
    router.memory[0] = 2;
    expect(await problem(keeper.save())).to.equal("failed");
    expect(keeper.isCurrent).to.equal(false);
    expect(router.store.drops, "what is kept may still fit").to.equal(0);
    router.store.failure = undefined;
    expect((await keeper.save())?.pages).to.equal(PAGES + 1);
    expect(router.store.kept?.pages.get(0)?.[0]).to.equal(2);
  });

  it("leaves no old memory where there is no room for a new one", async () => {
    const router = await FakeRouter.make();
    const keeper = router.keeper();
    await keeper.save();
    router.store.failure = new StorageError("full");
    expect(await problem(keeper.save())).to.equal("full");
    expect(router.store.kept).to.equal(undefined);
  });

  it("drops what is kept at once, and what is being saved, though that waits for the router", async () => {
    const router = await FakeRouter.make();
    const keeper = router.keeper();
    await keeper.save();
    const idle = deferred();
    router.idle = () => idle.promise;
    const save = keeper.save();
    expect(await keeper.drop()).to.equal(true);
    expect(router.store.kept).to.equal(undefined);
    expect(keeper.isCurrent).to.equal(false);
    idle.resolve();
    expect((await save)?.pages, "what it takes afterwards is all of it").to.equal(1);
    const gate = deferred();
    router.store.gate = gate.promise;
    const stored = keeper.save();
    while (router.stops < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    const dropped = keeper.drop();
    gate.resolve();
    await Promise.all([stored, dropped]);
    expect(router.store.kept).to.equal(undefined);
    expect(keeper.isCurrent).to.equal(false);
  });

  for (const drop of [true, false])
    it(`stores nothing any more after its end, and then ${drop ? "nothing" : "what was there"} is kept`, async () => {
      const router = await FakeRouter.make();
      const keeper = router.keeper();
      await keeper.save();
      const idle = deferred();
      router.idle = () => idle.promise;
      const save = keeper.save();
      await keeper.end(drop);
      expect(router.store.closed).to.equal(true);
      idle.resolve();
      expect(await save).to.equal(undefined);
      expect(router.store.saves.length).to.equal(1);
      expect(router.store.kept === undefined).to.equal(drop);
    });
});
