/** The contract of the disk, over the stores that are in a browser. */
import { expect } from "@esm-bundle/chai";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { openOverlayStore } from "../../src/overlay/overlay-store.js";
import type { OpenedStore } from "./contracts.js";
import { CHUNK, diskContract, filled, openDisk, plain, SIZE } from "./disk-contract.js";
import { abortNextWrite, freshIdentity } from "./helpers.js";

const contract = (name: string, open: () => Promise<OpenedStore>) =>
  diskContract({ describe, it, expect }, name, open);

const overlay = () => {
  const identity = freshIdentity(SIZE);
  return () => openOverlayStore(identity, CHUNK);
};

contract("memory", () => Promise.resolve({ store: memoryChunkStore() }));
contract("IndexedDB", async () => {
  const reopen = overlay();
  return { store: await reopen(), reopen, failNextWrite: abortNextWrite };
});
contract("memory over IndexedDB", async () => ({ store: memoryChunkStore(await overlay()()) }));
contract("IndexedDB of which nothing is cached", async () => {
  // What is written by others before is in no cache of the disk.
  const reopen = overlay();
  const store = await reopen();
  const disk = await openDisk(store);
  await disk.write(0, filled(SIZE, 1));
  await disk.write(0, plain());
  await disk.flush();
  return { store, reopen, failNextWrite: abortNextWrite };
});

describe("the disk over IndexedDB", () => {
  it("stores nothing of a write whose transaction is aborted, and all of it after a retry", async () => {
    const reopen = overlay();
    const disk = await openDisk(await reopen(), { onStall: ({ problem }) => stalls.push(problem) });
    const stalls: string[] = [];
    await disk.write(0, filled(CHUNK, 1));
    await disk.flush();
    abortNextWrite();
    await disk.write(0, filled(4 * CHUNK, 2));
    const flush = disk.flush();
    while (stalls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(stalls).to.deep.equal(["failed"]);

    const stored = await reopen();
    expect(await stored.snapshot()).to.deep.equal(new Map([[0, filled(CHUNK, 1)]]));
    disk.retry();
    await flush;
    expect((await stored.snapshot()).size).to.equal(4);
    expect((await stored.read(0))[0]).to.equal(2);
    stored.close();
    disk.close();
  });
});
