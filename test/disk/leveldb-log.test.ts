/** How often the browser is made to begin a new log: a module of its own, for that is counted by the page. */
import { expect } from "@esm-bundle/chai";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { openOverlayStore } from "../../src/overlay/overlay-store.js";
import { chunksOf, freshIdentity } from "./helpers.js";

/** Counts the transactions that pad the log while `work` is done. */
async function padding(work: () => Promise<void>): Promise<number> {
  const padded = new Set<IDBTransaction>();
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const original = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args) {
    if (args[1] === "padding") padded.add(this.transaction);
    return original.apply(this, args);
  };
  try {
    await work();
  } finally {
    IDBObjectStore.prototype.put = original;
  }
  return padded.size;
}

it("the browser begins a new log once in a page, before the first change, and never for who only reads", async () => {
  const identity = freshIdentity();
  const others = [freshIdentity(), freshIdentity()];
  expect(
    await padding(async () => {
      const reading = await openOverlayStore(identity, CHUNK_BYTES);
      expect(await reading.indexes()).to.deep.equal([]);
      reading.close();
    }),
    "opened to be read",
  ).to.equal(0);
  expect(
    await padding(async () => {
      const store = await openOverlayStore(identity, CHUNK_BYTES);
      await store.commit(chunksOf({ 1: 1 }));
      await store.commit(chunksOf({ 1: 2 }));
      store.close();
    }),
    "the first change",
  ).to.equal(1);
  expect(
    await padding(async () => {
      for (const each of [identity, ...others, identity]) {
        const reading = await openOverlayStore(each, CHUNK_BYTES);
        await reading.snapshot();
        reading.close();
        const store = await openOverlayStore(each, CHUNK_BYTES);
        await store.commit(chunksOf({ 2: 2 }));
        store.close();
      }
    }),
    "everything after it",
  ).to.equal(0);
});
