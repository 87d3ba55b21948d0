/** Stored routers without a machine: the list of all, and what can be done with one. */
import { expect } from "@esm-bundle/chai";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { formerDigests } from "../../src/firmware/identity.js";
import { readArchive } from "../../src/overlay/archive.js";
import { OverlayBusyError } from "../../src/overlay/errors.js";
import { keyOf, type OverlayIdentity, overlayKey } from "../../src/overlay/identity.js";
import { takeLease } from "../../src/overlay/lease.js";
import type { OverlayInfo } from "../../src/overlay/list.js";
import { Overlay } from "../../src/overlay/overlay.js";
import { openOverlayStore } from "../../src/overlay/overlay-store.js";
import { readStored, readStoredChunks } from "../../src/overlay/stored.js";
import { indexedDbMemory, readMemoryHeader } from "../../src/snapshot/indexeddb-memory.js";
import {
  abortNextWrite,
  chunksOf,
  dump,
  freshIdentity,
  rejection,
  requested,
} from "../disk/helpers.js";
import { killAfter } from "./killed.js";
import { OLD_DISK_BYTES, oldChunks, oldName, type OldVersion, writeOld } from "./old-overlays.js";

const PAGE = { title: "Elsewhere", path: "/elsewhere" };
const CHUNKS = chunksOf({ 0: 1, 7: 2, 3071: 3 });

let roots = 0;
/** A root that no other test uses. */
const newRoot = () => (++roots).toString(16).padStart(64, "0");

/** Stores a router. */
async function stored(change: Partial<OverlayIdentity> = {}): Promise<OverlayIdentity> {
  const identity = { ...freshIdentity(), root: newRoot(), title: "Demo 1.0", ...change };
  const store = await openOverlayStore(identity, CHUNK_BYTES);
  await store.commit(CHUNKS);
  store.close();
  return identity;
}

/** Stores a router of an older format, of a root that no other test uses. */
async function storedOld(version: OldVersion, overlay = freshIdentity().overlay, others = {}) {
  const root = newRoot();
  const former = await formerDigests(root);
  const [firmware = ""] = former;
  await writeOld(version, overlay, { firmware, others });
  return { overlay, root, firmware, former, key: oldName(overlay, firmware) };
}

const databases = async () => (await indexedDB.databases()).map(({ name = "" }) => name).sort();

async function keepMemory(key: string, generation: number): Promise<void> {
  const memory = indexedDbMemory(key);
  const page = new Uint8Array(4096).fill(1);
  await memory.save({
    pc: { v86: "0.5.462", devices: 1, memoryBytes: 1 << 27, kernel: "c".repeat(64) },
    ...{ generation, deviceBytes: 0, console: new Uint8Array(0) },
    ...{ pages: new Map([[0, page]]), changes: new Map([[0, page]]) },
  });
  memory.close();
}

/** A database of this version with this object store and these entries. */
async function writeDatabase(name: string, version: number, store: string, entries: object) {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    const made = request.result.createObjectStore(store);
    for (const [key, value] of Object.entries(entries)) made.put(value, key);
  };
  (await requested(request)).close();
}

async function listed(
  name: string,
  options?: Parameters<typeof Overlay.list>[0],
): Promise<OverlayInfo[]> {
  return (await Overlay.list(options)).filter((each) => each.name === name);
}

describe("the list of stored routers", () => {
  it("tells of each whose it is, how large, when it changed, and whether it is in use", async () => {
    const before = Date.now();
    const identity = await stored();
    const { overlay, root } = identity;
    const [info] = await listed(overlay);
    expect(info?.changed?.getTime()).to.be.within(before, Date.now());
    expect(info).to.deep.equal({
      ...{ name: overlay, firmware: root, title: "Demo 1.0", format: 4 },
      ...{ bytes: 3 * CHUNK_BYTES, memoryBytes: 0, inUse: false, problem: undefined },
      changed: info?.changed,
    });

    await keepMemory(overlayKey(identity), 1);
    const lease = await takeLease(identity, { page: PAGE });
    expect((await listed(overlay))[0]).to.include({ memoryBytes: 4096, inUse: true });
    lease.release();
  });

  it("has every firmware's, and none to which nothing was ever written", async () => {
    const one = await stored();
    const other = await stored({ overlay: one.overlay });
    const { overlay } = one;
    (await openOverlayStore({ ...one, root: newRoot() }, CHUNK_BYTES)).close();
    const found = await listed(overlay);
    expect(found.map(({ firmware }) => firmware)).to.deep.equal([one.root, other.root].sort());
  });

  it("makes, changes and deletes nothing", async () => {
    const { overlay } = await stored();
    const { key } = await storedOld(2, overlay);
    await writeDatabase(`${overlay}/something-else`, 7, "x", {});
    const before = await databases();
    const old = await dump(key);
    const info = await listed(overlay);
    expect(info).to.have.length(2);
    expect(await databases()).to.deep.equal(before);
    expect(await dump(key)).to.deep.equal(old);
  });

  it("has what is damaged or too new, with the reason, beside all others", async () => {
    const { overlay } = await stored();
    const key = () => keyOf(overlay, newRoot());
    await writeDatabase(key(), 4, "overlay", { header: "garbage" });
    await writeDatabase(key(), 3, "overlay", { header: { format: 3 } });
    await writeDatabase(key(), 4, "something", {});
    await writeDatabase(key(), 5, "overlay", { header: { format: 5 } });
    const problems = (await listed(overlay)).map(({ problem }) => problem);
    expect(problems.map(String).sort()).to.deep.equal(
      ["damaged", "damaged", "damaged", "newer", "undefined"].sort(),
    );
  });

  it("has those of older formats, under their root where that is known", async () => {
    const { overlay, root, firmware, former } = await storedOld(1);
    const [unknown] = await listed(overlay);
    expect(unknown).to.deep.include({ firmware, format: 1, bytes: 4 * 65536 });
    expect(unknown?.changed).to.equal(undefined);

    const told = await listed(overlay, { firmware: [{ root, former }] });
    expect(told[0]).to.include({ firmware: root, format: 1 });

    // Another router has this root, so it is known without being told.
    await stored({ root });
    expect((await listed(overlay))[0]).to.include({ firmware: root, format: 1 });
  });

  it("tells two of one name and root apart, of which only one can be opened by its root", async () => {
    const { overlay, root, firmware } = await storedOld(3);
    await stored({ overlay, root });
    // As an older page would do that is still open.
    await writeOld(3, overlay, { firmware });
    const found = await listed(overlay);
    expect(found.map((each) => each.firmware).sort()).to.deep.equal([firmware, root].sort());
  });

  it("is there too where the browser does not list its databases", async () => {
    const original = Object.getOwnPropertyDescriptor(IDBFactory.prototype, "databases") ?? {};
    Object.defineProperty(IDBFactory.prototype, "databases", { ...original, value: undefined });
    try {
      const { overlay, root } = await stored();
      expect((await listed(overlay)).map(({ firmware }) => firmware)).to.deep.equal([root]);
      const opened = await Overlay.open(overlay, root);
      await opened.rename(`${overlay}-renamed`);
      expect(await listed(overlay)).to.deep.equal([]);
      expect(await listed(`${overlay}-renamed`)).to.have.length(1);
      await opened.delete();
      expect(await listed(`${overlay}-renamed`)).to.deep.equal([]);
    } finally {
      Object.defineProperty(IDBFactory.prototype, "databases", original);
    }
  });
});

describe("a stored router", () => {
  it("can be had as a file, which a router with that root takes", async () => {
    const identity = await stored();
    const overlay = await Overlay.open(identity.overlay, identity.root);
    const copy = await overlay.export();
    await overlay.close();
    expect(await readArchive(copy, { ...identity, chunkBytes: CHUNK_BYTES })).to.deep.equal(CHUNKS);
    const error = await rejection(
      readArchive(copy, { ...identity, root: newRoot(), chunkBytes: CHUNK_BYTES }),
    );
    expect(error)
      .to.have.property("message")
      .that.matches(/“Demo 1\.0”/);
  });

  it("is opened by one at a time", async () => {
    const { overlay, root } = await stored();
    const lease = await takeLease({ overlay, root }, { page: PAGE });
    const error = await rejection(Overlay.open(overlay, root));
    expect(error).to.be.instanceOf(OverlayBusyError);
    expect(error).to.have.property("holder").that.deep.includes(PAGE);
    lease.release();
    await (await Overlay.open(overlay, root)).close();
  });

  it("is missing when nothing is stored, and nothing is made then", async () => {
    const { overlay, root } = { ...freshIdentity(), root: newRoot() };
    const before = await databases();
    expect(await rejection(Overlay.open(overlay, root))).to.have.property("problem", "missing");
    expect(await databases()).to.deep.equal(before);
    await stored({ overlay, root });
    await (await Overlay.open(overlay, root)).close();
  });

  it("has another name after it was renamed, all that it had, and no memory", async () => {
    const identity = await stored();
    const { overlay, root } = identity;
    const key = overlayKey(identity);
    const before = await readStored(key);
    await keepMemory(key, before?.generation ?? 0);
    const opened = await Overlay.open(overlay, root);
    await opened.rename(`${overlay}-2`);
    expect(opened.name).to.equal(`${overlay}-2`);

    const names = await databases();
    expect(names).not.to.include(key);
    expect(names).not.to.include(`${key}/memory`);
    expect(await readMemoryHeader(key)).to.equal(undefined);
    const now = await readStoredChunks(keyOf(`${overlay}-2`, root));
    expect(now?.content).to.deep.equal(CHUNKS);
    expect(now).to.deep.include({ title: "Demo 1.0", created: before?.created });
    expect(now?.changed).to.equal(before?.changed);
    expect(now?.generation).not.to.equal(before?.generation);
    // It is held under its new name only.
    expect(await rejection(Overlay.open(`${overlay}-2`, root))).to.be.instanceOf(OverlayBusyError);
    expect(await rejection(Overlay.open(overlay, root))).to.have.property("problem", "missing");
    await opened.close();
    const store = await openOverlayStore({ ...identity, overlay: `${overlay}-2` }, CHUNK_BYTES);
    expect(await store.snapshot()).to.deep.equal(CHUNKS);
    store.close();
  });

  it("is there twice after it was duplicated", async () => {
    const identity = await stored();
    const { overlay, root } = identity;
    const key = overlayKey(identity);
    const before = await dump(key);
    const opened = await Overlay.open(overlay, root);
    await opened.duplicate(`${overlay}-2`);
    await opened.close();
    expect(await dump(key)).to.deep.equal(before);
    const [one, other] = [
      await readStoredChunks(key),
      await readStoredChunks(keyOf(`${overlay}-2`, root)),
    ];
    expect(other?.content).to.deep.equal(one?.content);
    expect(other?.generation).not.to.equal(one?.generation);
  });

  it("does not take the place of another one, of whichever format, damaged or in use", async () => {
    const { overlay, root } = await stored();
    const [firmware = ""] = await formerDigests(root);
    const taken = `${overlay}-taken`;
    await stored({ root, overlay: `${taken}-1` });
    await writeOld(2, `${taken}-2`, { firmware });
    await writeDatabase(keyOf(`${taken}-3`, root), 4, "overlay", { header: 1 });
    const opened = await Overlay.open(overlay, root);
    for (const name of [overlay, `${taken}-1`, `${taken}-2`, `${taken}-3`]) {
      const before = await databases();
      expect(await rejection(opened.duplicate(name)), name).to.have.property("problem", "taken");
      expect(await databases()).to.deep.equal(before);
    }
    const lease = await takeLease({ overlay: `${taken}-4`, root }, { page: PAGE });
    const error = await rejection(opened.rename(`${taken}-4`));
    expect(error).to.be.instanceOf(OverlayBusyError);
    lease.release();
    expect(opened.name).to.equal(overlay);
    await opened.rename(overlay);
    for (const name of ["", "A", "a/b", "..", "x".repeat(65)])
      expect(await rejection(opened.rename(name)), name).to.be.instanceOf(RangeError);
    expect(await opened.export()).to.be.instanceOf(Blob);
    await opened.delete();
  });

  it("has its old name, and nothing is left under the new one, when it cannot be renamed", async () => {
    const { overlay, root } = await stored();
    const opened = await Overlay.open(overlay, root);
    const before = await databases();
    abortNextWrite();
    await rejection(opened.rename(`${overlay}-2`));
    expect(await databases()).to.deep.equal(before);
    expect(opened.name).to.equal(overlay);
    await opened.rename(`${overlay}-2`);
    await opened.close();
  });

  it("is under its old name, its new one or both, and whole, wherever the browser is killed while it is renamed", async () => {
    let steps = 0;
    for (let happened = true; happened; steps++) {
      const identity = await stored();
      const { overlay, root } = identity;
      const opened = await Overlay.open(overlay, root);
      const kill = killAfter(steps);
      await opened.rename(`${overlay}-2`).catch(() => undefined);
      kill.restore();
      ({ happened } = kill);
      await opened.close();
      const found = [
        await readStoredChunks(overlayKey(identity)),
        await readStoredChunks(keyOf(`${overlay}-2`, root)),
      ].filter((each) => each !== undefined);
      expect(found, `after ${steps} requests`).not.to.have.length(0);
      for (const { content } of found) expect(content).to.deep.equal(CHUNKS);
    }
    expect(steps).to.be.at.least(3 + 2 + 1);
  });

  it("is gone with its memory after it was deleted, and nothing more can be asked of it", async () => {
    const identity = await stored();
    const { overlay, root } = identity;
    await keepMemory(overlayKey(identity), 1);
    const opened = await Overlay.open(overlay, root);
    await opened.delete();
    expect(await databases()).not.to.include(overlayKey(identity));
    expect(await readMemoryHeader(overlayKey(identity))).to.equal(undefined);
    expect(await listed(overlay)).to.deep.equal([]);
    for (const work of [
      () => opened.export(),
      () => opened.rename("other"),
      () => opened.duplicate("other"),
      () => opened.delete(),
    ])
      expect(await rejection(work())).to.have.property("name", "InvalidStateError");
    await opened.close();
    await stored(identity);
    await (await Overlay.open(overlay, root)).close();
  });

  it("can be deleted when it is damaged", async () => {
    const { overlay } = freshIdentity();
    const root = newRoot();
    await writeDatabase(keyOf(overlay, root), 4, "overlay", { header: 1 });
    const opened = await Overlay.open(overlay, root);
    expect(await rejection(opened.export())).to.have.property("problem", "damaged");
    expect(await rejection(opened.rename(`${overlay}-2`))).to.have.property("problem", "damaged");
    await opened.delete();
    expect(await listed(overlay)).to.deep.equal([]);
  });
});

describe("a stored router of an older format", () => {
  it("is brought into today's when its root is known", async () => {
    const { overlay, root } = await storedOld(2);
    const opened = await Overlay.open(overlay, root);
    expect(await listed(overlay)).to.have.length(1);
    expect((await listed(overlay))[0]).to.include({ firmware: root, format: 4, inUse: true });
    const expected = {
      ...{ overlay, root, diskBytes: OLD_DISK_BYTES, chunkBytes: CHUNK_BYTES },
    };
    const chunks = await readArchive(await opened.export(), expected);
    for (const [index, chunk] of oldChunks(CHUNK_BYTES))
      expect(chunks.get(index)).to.deep.equal(chunk);
    await opened.delete();
  });

  it("is not opened, and stays as it is, when it cannot be brought there", async () => {
    const { overlay, root, firmware, key } = await storedOld(3, undefined, { header: 1 });
    const before = await dump(key);
    const error = await rejection(Overlay.open(overlay, root));
    expect(error).to.have.property("problem", "damaged");
    expect(await dump(key)).to.deep.equal(before);
    // By its own name it can be deleted.
    await (await Overlay.open(overlay, firmware)).delete();
    expect(await databases()).not.to.include(key);
  });

  it("can be copied, renamed and deleted as it is when its root is not known", async () => {
    const { overlay, root, firmware } = await storedOld(2);
    const opened = await Overlay.open(overlay, firmware);
    const copy = await opened.export();
    const expected = {
      ...{ overlay, root, former: [firmware] },
      ...{ diskBytes: OLD_DISK_BYTES, chunkBytes: CHUNK_BYTES },
    };
    const chunks = await readArchive(copy, expected);
    for (const [index, chunk] of oldChunks(CHUNK_BYTES))
      expect(chunks.get(index)).to.deep.equal(chunk);

    await opened.duplicate(`${overlay}-2`);
    await opened.rename(`${overlay}-3`);
    expect(await listed(overlay)).to.deep.equal([]);
    for (const name of [`${overlay}-2`, `${overlay}-3`])
      expect((await listed(name))[0]).to.include({ firmware, format: 2, bytes: 4 * 65536 });
    await opened.delete();
    expect(await listed(`${overlay}-3`)).to.deep.equal([]);

    // What knows the root finds it under its new name.
    const moved = await Overlay.open(`${overlay}-2`, root);
    expect((await listed(`${overlay}-2`))[0]).to.include({ firmware: root, format: 4 });
    await moved.delete();
  });
});
