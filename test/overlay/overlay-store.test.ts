/** What the store in IndexedDB does beyond the contract: durability, aborted transactions, formats, foreign content. */
import { expect } from "@esm-bundle/chai";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { StorageError } from "../../src/disk/errors.js";
import { type OverlayIdentity, overlayKey } from "../../src/overlay/identity.js";
import { openOverlayStore } from "../../src/overlay/overlay-store.js";
import { findStored, readStored, readStoredChunks } from "../../src/overlay/stored.js";
import {
  abortNextWrite,
  chunkOf,
  chunksOf,
  dump,
  freshIdentity,
  rejection,
  requested,
} from "../disk/helpers.js";

const open = (identity: OverlayIdentity) => openOverlayStore(identity, CHUNK_BYTES);

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
      const store = await open(freshIdentity());
      await store.commit(chunksOf({ 0: 1 }));
      await store.replace(chunksOf({ 0: 2 }));
      await store.clear();
      store.close();
    } finally {
      IDBDatabase.prototype.transaction = original;
    }
    // The first stores nothing (leveldb-log.ts).
    expect(asked).to.deep.equal(["relaxed", "strict", "strict", "strict"]);
  });

  for (const change of ["commit", "replace", "clear"] as const)
    it(`changes nothing when the transaction of a ${change} is aborted, and works when tried again`, async () => {
      const identity = freshIdentity();
      const store = await open(identity);
      await store.commit(chunksOf({ 0: 1, 1: 1 }));
      const generation = store.generation();
      const before = await dump(overlayKey(identity));
      const act = () =>
        change === "clear" ? store.clear() : store[change](chunksOf({ 1: 2, 2: 2, 3: 2 }));

      abortNextWrite();
      expect(await rejection(act())).to.be.instanceOf(StorageError);
      expect(await dump(overlayKey(identity))).to.deep.equal(before);
      expect(store.generation()).to.equal(generation);

      await act();
      const after = {
        commit: { 0: 1, 1: 2, 2: 2, 3: 2 },
        replace: { 1: 2, 2: 2, 3: 2 },
        clear: {},
      };
      expect(await store.snapshot()).to.deep.equal(chunksOf(after[change]));
      expect(store.generation()).to.be.above(generation);
      store.close();
    });

  it("leaves no trace of a first commit that was aborted", async () => {
    const identity = freshIdentity();
    const store = await open(identity);
    abortNextWrite();
    await rejection(store.commit(chunksOf({ 0: 1 })));
    expect((await dump(overlayKey(identity))).entries).to.deep.equal([]);
    expect(store.generation()).to.equal(0);
    await store.commit(chunksOf({ 0: 1 }));
    store.close();
    const again = await open(identity);
    expect(await again.snapshot()).to.deep.equal(chunksOf({ 0: 1 }));
    again.close();
  });

  it("stores no chunk of a commit in which one cannot be stored", async () => {
    const identity = freshIdentity();
    const store = await open(identity);
    const moved = chunkOf(2);
    structuredClone(moved, { transfer: [moved.buffer] });
    const error = await rejection(
      store.commit(
        new Map([
          [0, chunkOf(1)],
          [1, moved],
        ]),
      ),
    );
    expect(error).to.be.instanceOf(StorageError);
    expect((await dump(overlayKey(identity))).entries).to.deep.equal([]);
    store.close();
  });

  it("tells when it was changed last, and title and version of the firmware", async () => {
    const identity = { ...freshIdentity(), title: "Demo 1.0" };
    const stored = () => readStored(overlayKey(identity));
    const before = Date.now();
    const store = await open(identity);
    expect(await stored()).to.equal(undefined);
    await store.commit(chunksOf({ 0: 1, 5: 1 }));
    store.close();
    const first = await stored();
    expect(first).to.deep.include({ format: 4, title: "Demo 1.0", bytes: 2 * CHUNK_BYTES });
    expect(first?.generation).to.equal(store.generation());
    expect(first?.changed).to.be.within(before, Date.now());

    // To look at it changes nothing, also with another title.
    const renamed = { ...identity, title: "Demo 1.1" };
    const again = await open(renamed);
    expect(await stored()).to.deep.equal(first);
    await again.commit(chunksOf({ 0: 2 }));
    again.close();
    const second = await stored();
    expect(second).to.deep.include({ title: "Demo 1.1", created: first?.created });
    expect(second?.changed).to.be.at.least(first?.changed ?? NaN);
  });

  it("is looked at without a byte being written", async () => {
    const identity = freshIdentity();
    const store = await open(identity);
    await store.commit(chunksOf({ 0: 1 }));
    store.close();
    const modes: unknown[] = [];
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const original = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args) {
      modes.push(args[1] ?? "readonly");
      return original.apply(this, args);
    };
    try {
      await findStored(identity);
      await readStoredChunks(overlayKey(identity));
    } finally {
      IDBDatabase.prototype.transaction = original;
    }
    expect(modes).to.deep.equal(["readonly", "readonly"]);
  });

  it("counts generations on from what is stored, also over a reset", async () => {
    const identity = freshIdentity();
    const first = await open(identity);
    await first.commit(chunksOf({ 0: 1 }));
    await first.clear();
    const generation = first.generation();
    first.close();
    const second = await open(identity);
    expect(second.generation()).to.equal(generation);
    await second.commit(chunksOf({ 0: 1 }));
    expect(second.generation()).to.equal(generation + 1);
    second.close();
  });

  it("begins at another generation when the overlay was deleted and made anew", async () => {
    const identity = freshIdentity();
    const generations = new Set<number>();
    for (let i = 0; i < 3; i++) {
      const store = await open(identity);
      await store.commit(chunksOf({ 0: 1 }));
      generations.add(store.generation());
      store.close();
      await requested(indexedDB.deleteDatabase(overlayKey(identity)));
    }
    expect(generations.size).to.equal(3);
  });

  it("keeps overlays of other names and roots apart", async () => {
    const one = freshIdentity();
    const first = await open(one);
    await first.commit(chunksOf({ 0: 1 }));
    const other = await open({ ...one, root: "e".repeat(64) });
    expect(await other.indexes()).to.deep.equal([]);
    first.close();
    other.close();
  });

  it("goes on after another page made the browser close the connection", async () => {
    const identity = freshIdentity();
    const store = await open(identity);
    await store.commit(chunksOf({ 0: 1 }));
    // An upgrade elsewhere asks everybody to let go; this one then gives up and changes nothing.
    await new Promise<void>((resolve) => {
      const request = indexedDB.open(overlayKey(identity), 99);
      request.onupgradeneeded = () => request.transaction?.abort();
      request.onerror = () => resolve();
    });
    await store.commit(chunksOf({ 1: 2 }));
    expect((await store.indexes()).sort()).to.deep.equal([0, 1]);
    store.close();
  });

  it("says that its data is gone, and does not start anew, when the database was deleted", async () => {
    const identity = freshIdentity();
    const store = await open(identity);
    await store.commit(chunksOf({ 0: 1 }));
    await requested(indexedDB.deleteDatabase(overlayKey(identity)));
    const error = await rejection(store.commit(chunksOf({ 1: 2 })));
    expect(error).to.have.property("problem", "gone");
    const names = (await indexedDB.databases()).map(({ name }) => name);
    expect(names).not.to.include(overlayKey(identity));
    store.close();
  });
});

describe("an overlay that this version cannot use", () => {
  /** Stores one overlay, changes its database, and expects a refusal that leaves that as it is. */
  async function expectRefusal(
    problem: string,
    spoil: (store: IDBObjectStore) => void,
    use: (identity: OverlayIdentity) => Promise<unknown> = open,
  ): Promise<void> {
    const identity = freshIdentity();
    const store = await open(identity);
    await store.commit(chunksOf({ 0: 1, 1: 2 }));
    store.close();
    const db = await requested(indexedDB.open(overlayKey(identity)));
    const transaction = db.transaction("overlay", "readwrite");
    spoil(transaction.objectStore("overlay"));
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    db.close();
    const before = await dump(overlayKey(identity));
    const error = await rejection(use(identity));
    expect(error).to.be.instanceOf(StorageError).with.property("problem", problem);
    expect(await dump(overlayKey(identity))).to.deep.equal(before);
  }

  const header = { format: 4, ...freshIdentity(), chunkBytes: CHUNK_BYTES, created: 0 };

  it("is refused when it was made for another disk size", () =>
    expectRefusal(
      "mismatch",
      () => undefined,
      (identity) => open({ ...identity, diskBytes: 1 << 20 }),
    ));

  it("is refused when its header is of a newer format or of another overlay", async () => {
    await expectRefusal("newer", (store) => store.put({ format: 5 }, "header"));
    await expectRefusal("mismatch", (store) => store.put(header, "header"));
  });

  it("is refused when its header is garbage or missing", async () => {
    for (const garbage of [
      null,
      "",
      NaN,
      [],
      {},
      new Date(),
      { ...header, format: 1 },
      { ...header, title: 1 },
    ])
      await expectRefusal("damaged", (store) => store.put(garbage, "header"));
    await expectRefusal("damaged", (store) => store.delete("header"));
  });

  it("is refused when its generation is not one", async () => {
    for (const number of [0, -1, 0.5, NaN, Infinity, 2 ** 53, "1", null, {}])
      await expectRefusal("damaged", (store) => store.put({ number }, "generation"));
    for (const garbage of [1, "1", null, {}, { number: 1, changed: "1" }])
      await expectRefusal("damaged", (store) => store.put(garbage, "generation"));
    await expectRefusal("damaged", (store) => store.delete("generation"));
  });

  it("is refused when a key is no chunk of the disk", async () => {
    for (const key of ["x", "0", -1, 0.5, 3072, 2 ** 53, Infinity, [1], new Date(0)])
      await expectRefusal("damaged", (store) => store.put(chunkOf(1), key));
  });

  it("is refused when what stands for a chunk is none", async () => {
    const larger = new Uint8Array(2 * CHUNK_BYTES);
    for (const garbage of [
      null,
      "chunk",
      new Uint8Array(CHUNK_BYTES - 1),
      larger,
      larger.subarray(0, CHUNK_BYTES),
      new Uint16Array(CHUNK_BYTES),
      new ArrayBuffer(CHUNK_BYTES),
      new Blob([chunkOf(1)]),
    ])
      for (const use of ["read", "snapshot"] as const)
        await expectRefusal(
          "damaged",
          (store) => store.put(garbage, 1),
          async (identity) => {
            const store = await open(identity);
            try {
              await store[use](1);
            } finally {
              store.close();
            }
          },
        );
  });

  it("is refused when a database of this name has another content", async () => {
    const identity = freshIdentity();
    for (const version of [1, 2, 3, 4]) {
      const request = indexedDB.open(overlayKey(identity), version);
      request.onupgradeneeded = ({ oldVersion }) => {
        if (oldVersion === 0) request.result.createObjectStore("other");
      };
      (await requested(request)).close();
      expect(await rejection(open(identity))).to.have.property("problem", "damaged");
      const found = await indexedDB.databases();
      expect(found.find(({ name }) => name === overlayKey(identity))?.version).to.equal(version);
    }
  });

  it("is refused when its database has a newer version", async () => {
    const identity = freshIdentity();
    const request = indexedDB.open(overlayKey(identity), 5);
    request.onupgradeneeded = () => void request.result.createObjectStore("overlay");
    (await requested(request)).close();
    expect(await rejection(open(identity))).to.have.property("problem", "newer");
    expect((await dump(overlayKey(identity))).version).to.equal(5);
  });
});
