import { expect } from "@esm-bundle/chai";
import { CHUNK_BYTES, type ChunkStore } from "../../src/disk/chunk-store.js";
import { StorageError } from "../../src/disk/errors.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { openOverlayStore, overlayKey } from "../../src/disk/overlay-store.js";
import { chunkOf, rejection } from "./helpers.js";

let serial = 0;
const identity = () => ({
  overlay: `test-${Date.now()}-${serial++}`,
  firmware: "f".repeat(64),
  diskBytes: 96 << 20,
});

/** What every chunk store must do. `reopen` is given for stores that outlive their object. */
function contract(name: string, open: () => Promise<[ChunkStore, (() => Promise<ChunkStore>)?]>) {
  describe(`a chunk store (${name})`, () => {
    it("starts empty", async () => {
      const [store] = await open();
      expect(await store.indexes()).to.deep.equal([]);
      store.close();
    });

    it("gives back what was committed", async () => {
      const [store] = await open();
      await store.commit(
        new Map([
          [3, chunkOf(3)],
          [0, chunkOf(9)],
        ]),
      );
      expect((await store.indexes()).sort()).to.deep.equal([0, 3]);
      expect(await store.read(3)).to.deep.equal(chunkOf(3));
      expect(await store.read(0)).to.deep.equal(chunkOf(9));
      store.close();
    });

    it("keeps the last of several commits to a chunk", async () => {
      const [store] = await open();
      await Promise.all([1, 2, 3].map((seed) => store.commit(new Map([[7, chunkOf(seed)]]))));
      expect(await store.read(7)).to.deep.equal(chunkOf(3));
      store.close();
    });

    it("does not notice when a reader changes what it was given", async () => {
      const [store] = await open();
      await store.commit(new Map([[1, chunkOf(1)]]));
      (await store.read(1)).fill(0);
      expect(await store.read(1)).to.deep.equal(chunkOf(1));
      store.close();
    });

    it("is empty after clear, and usable", async () => {
      const [store] = await open();
      await store.commit(new Map([[1, chunkOf(1)]]));
      await store.clear();
      expect(await store.indexes()).to.deep.equal([]);
      await store.commit(new Map([[2, chunkOf(2)]]));
      expect(await store.indexes()).to.deep.equal([2]);
      store.close();
    });

    it("has everything again after it was closed and opened", async () => {
      const [store, reopen] = await open();
      if (!reopen) return store.close();
      await store.commit(new Map([[5, chunkOf(5)]]));
      store.close();
      const again = await reopen();
      expect(await again.read(5)).to.deep.equal(chunkOf(5));
      again.close();
    });
  });
}

contract("memory", () => Promise.resolve([memoryChunkStore()]));
contract("IndexedDB", async () => {
  const id = identity();
  const open = () => openOverlayStore(id, CHUNK_BYTES);
  return [await open(), open];
});
contract("memory over IndexedDB", async () => [
  memoryChunkStore(await openOverlayStore(identity(), CHUNK_BYTES)),
]);

describe("the overlay store", () => {
  it("commits with strict durability", async () => {
    const asked: unknown[] = [];
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const original = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args) {
      const transaction = original.apply(this, args);
      if (args[1] === "readwrite") asked.push(transaction.durability);
      return transaction;
    };
    try {
      const store = await openOverlayStore(identity(), CHUNK_BYTES);
      await store.commit(new Map([[0, chunkOf(1)]]));
      store.close();
    } finally {
      IDBDatabase.prototype.transaction = original;
    }
    expect(asked).to.deep.equal(["strict"]);
  });

  it("keeps overlays of other names and firmwares apart", async () => {
    const one = identity();
    const first = await openOverlayStore(one, CHUNK_BYTES);
    await first.commit(new Map([[0, chunkOf(1)]]));
    const other = await openOverlayStore({ ...one, firmware: "e".repeat(64) }, CHUNK_BYTES);
    expect(await other.indexes()).to.deep.equal([]);
    first.close();
    other.close();
  });

  it("refuses an overlay made for another disk size, and leaves it as it was", async () => {
    const id = identity();
    const store = await openOverlayStore(id, CHUNK_BYTES);
    await store.commit(new Map([[0, chunkOf(1)]]));
    store.close();
    const error = await rejection(openOverlayStore({ ...id, diskBytes: 1 << 20 }, CHUNK_BYTES));
    expect(error).to.be.instanceOf(StorageError).with.property("problem", "mismatch");
    const again = await openOverlayStore(id, CHUNK_BYTES);
    expect(await again.read(0)).to.deep.equal(chunkOf(1));
    again.close();
  });

  it("refuses an overlay of a newer database version, and leaves it", async () => {
    const id = identity();
    await new Promise<void>((resolve) => {
      const request = indexedDB.open(overlayKey(id), 99);
      request.onupgradeneeded = () => void request.result.createObjectStore("future");
      request.onsuccess = () => (request.result.close(), resolve());
    });
    const error = await rejection(openOverlayStore(id, CHUNK_BYTES));
    expect(error).to.have.property("problem", "newer");
    const found = await indexedDB.databases();
    expect(found.find(({ name }) => name === overlayKey(id))?.version).to.equal(99);
  });

  it("goes on after another page made the browser close the connection", async () => {
    const id = identity();
    const store = await openOverlayStore(id, CHUNK_BYTES);
    await store.commit(new Map([[0, chunkOf(1)]]));
    // An upgrade elsewhere asks everybody to let go; this one then gives up and changes nothing.
    await new Promise<void>((resolve) => {
      const request = indexedDB.open(overlayKey(id), 2);
      request.onupgradeneeded = () => request.transaction?.abort();
      request.onerror = () => resolve();
    });
    await store.commit(new Map([[1, chunkOf(2)]]));
    expect((await store.indexes()).sort()).to.deep.equal([0, 1]);
    store.close();
  });

  it("says that its data is gone, and does not start anew, when the database was deleted", async () => {
    const id = identity();
    const store = await openOverlayStore(id, CHUNK_BYTES);
    await store.commit(new Map([[0, chunkOf(1)]]));
    await new Promise<void>((resolve) => {
      indexedDB.deleteDatabase(overlayKey(id)).onsuccess = () => resolve();
    });
    const error = await rejection(store.commit(new Map([[1, chunkOf(2)]])));
    expect(error).to.have.property("problem", "gone");
    const names = (await indexedDB.databases()).map(({ name }) => name);
    expect(names).not.to.include(overlayKey(id));
    store.close();
  });
});
