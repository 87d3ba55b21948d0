/** Overlays of formats 1 to 3, which belonged to root and kernel together, become overlays of today's. */
import { expect } from "@esm-bundle/chai";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { StorageError } from "../../src/disk/errors.js";
import { formerDigests } from "../../src/firmware/identity.js";
import { type OverlayIdentity, overlayKey } from "../../src/overlay/identity.js";
import { deleteOverlay, openOverlayStore } from "../../src/overlay/overlay-store.js";
import { findStored, readStored, storedCopy } from "../../src/overlay/stored.js";
import { chunksOf, dump, freshIdentity, rejection, requested } from "../disk/helpers.js";
import { killAfter } from "./killed.js";
import {
  OLD_DISK_BYTES,
  OLD_FIRMWARE,
  OLD_GENERATION,
  OLD_ROOT,
  OLD_VERSIONS,
  oldChunks,
  OLDER_FIRMWARE,
  oldHeader,
  oldName,
  type OldVersion,
  writeOld,
} from "./old-overlays.js";

const open = (identity: OverlayIdentity) => openOverlayStore(identity, CHUNK_BYTES);

function fresh(): OverlayIdentity {
  const { overlay } = freshIdentity();
  const former = [OLD_FIRMWARE, OLDER_FIRMWARE];
  return { overlay, root: OLD_ROOT, diskBytes: OLD_DISK_BYTES, former, title: "Old 1.0" };
}

const databases = async () => (await indexedDB.databases()).map(({ name }) => name);

/** Every byte that is not zero, by its place on the disk. */
function content(chunks: Map<number, Uint8Array>): string[] {
  return [...chunks]
    .flatMap(([index, chunk]) =>
      [...chunk.entries()].flatMap(([at, byte]) =>
        byte === 0 ? [] : [`${index * CHUNK_BYTES + at}: ${byte}`],
      ),
    )
    .sort();
}

/** Expects that all of a fixture is in today's format, and in nothing else. @returns its generation */
async function expectMoved(identity: OverlayIdentity, version: OldVersion): Promise<number> {
  const store = await open(identity);
  const chunks = await store.snapshot();
  expect(content(chunks)).to.deep.equal(content(oldChunks(CHUNK_BYTES)));
  const number = store.generation();
  if (OLD_GENERATION[version] !== undefined) expect(number).to.equal(OLD_GENERATION[version]);
  store.close();
  const { overlay, root, diskBytes, title } = identity;
  expect(await dump(overlayKey(identity))).to.deep.equal({
    version: 4,
    entries: [
      ...[...chunks].sort(([one], [other]) => one - other),
      ["generation", { number }],
      [
        "header",
        {
          format: 4,
          overlay,
          root,
          diskBytes,
          title,
          chunkBytes: 32768,
          created: 1_763_900_000_000,
        },
      ],
    ],
  });
  expect(await databases()).not.to.include(oldName(overlay));
  return number;
}

for (const version of OLD_VERSIONS)
  describe(`an overlay of format ${version}`, () => {
    it("is opened with every byte, and is of today's format then", async () => {
      const identity = fresh();
      await writeOld(version, identity.overlay);
      expect(await expectMoved(identity, version)).to.be.above(0);
    });

    it("is as it was, or complete, wherever the browser is killed, and complete on the next visit", async () => {
      let steps = 0;
      for (let happened = true; happened; steps++) {
        const identity = fresh();
        const old = oldName(identity.overlay);
        await writeOld(version, identity.overlay);
        const before = await dump(old);
        const kill = killAfter(steps);
        const opened = open(identity);
        await opened.then(
          (store) => store.close(),
          () => undefined,
        );
        kill.restore();
        ({ happened } = kill);

        const isNew = (await readStored(overlayKey(identity))) !== undefined;
        const isOld = (await databases()).includes(old);
        expect(isNew || isOld, `after ${steps} requests`).to.equal(true);
        if (isOld) expect(await dump(old)).to.deep.equal(before);
        // Format 1 has no number that tells whether it was changed since: then it stays, and is in the list.
        if (version === 1 && isNew && isOld) {
          (await open(identity)).close();
          expect(await databases()).to.include(old);
          await requested(indexedDB.deleteDatabase(old));
        }
        await expectMoved(identity, version);
      }
      // Every chunk, header, generation, mark; memory and overlay deleted; the mark taken away.
      expect(steps).to.be.at.least(5 + 3 + 2 + 1);
    });

    it("is refused and left as it was when something in it is damaged", async () => {
      const header = oldHeader(version, "");
      for (const others of [
        { stranger: 1 },
        ...(version === 1 ? [] : [{ generation: "1" }, { generation: undefined }]),
        ...[
          null,
          "header",
          7,
          [],
          {},
          new Blob(),
          { format: version },
          { ...header, format: "1" },
        ].map((garbage) => ({ header: garbage })),
        { header: { ...header, format: version === 1 ? 2 : 1 } },
      ]) {
        const identity = fresh();
        await writeOld(version, identity.overlay, { others });
        const before = await dump(oldName(identity.overlay));
        expect(await rejection(open(identity))).to.have.property("problem", "damaged");
        expect(await dump(oldName(identity.overlay))).to.deep.equal(before);
        expect(await readStored(overlayKey(identity))).to.equal(undefined);
      }
    });

    it("is refused and left as it was when a chunk of it is damaged", async () => {
      const identity = fresh();
      const [first = 0] = oldChunks(version === 3 ? 32768 : 65536).keys();
      await writeOld(version, identity.overlay, { others: {} });
      const db = await requested(indexedDB.open(oldName(identity.overlay)));
      const transaction = db.transaction("overlay", "readwrite");
      transaction.objectStore("overlay").put(new Uint8Array(7), first);
      await new Promise((resolve) => (transaction.oncomplete = resolve));
      db.close();
      const before = await dump(oldName(identity.overlay));
      expect(await rejection(open(identity))).to.have.property("problem", "damaged");
      expect(await dump(oldName(identity.overlay))).to.deep.equal(before);
    });

    it("is refused and left as it was when its disk has another size", async () => {
      const identity = fresh();
      await writeOld(version, identity.overlay);
      const before = await dump(oldName(identity.overlay));
      const other = { ...identity, diskBytes: 2 * OLD_DISK_BYTES };
      expect(await rejection(open(other))).to.have.property("problem", "mismatch");
      expect(await dump(oldName(identity.overlay))).to.deep.equal(before);
    });

    it("is no overlay when nothing was ever written to it", async () => {
      const identity = fresh();
      const request = indexedDB.open(oldName(identity.overlay), version);
      request.onupgradeneeded = () => void request.result.createObjectStore("overlay");
      (await requested(request)).close();
      const store = await open(identity);
      expect(store.generation()).to.equal(0);
      expect(await store.indexes()).to.deep.equal([]);
      store.close();
    });

    it("can be looked at without being changed", async () => {
      const identity = fresh();
      await writeOld(version, identity.overlay);
      const before = await dump(oldName(identity.overlay));
      const stored = await findStored(identity);
      expect(stored).to.deep.include({ key: oldName(identity.overlay), format: version });
      expect(stored?.bytes).to.equal(
        5 * (version === 3 ? 32768 : 65536) - (version === 3 ? 0 : 65536),
      );
      // A machine that saves nothing needs no lease: an older page may be running the router.
      const copy = await storedCopy(identity);
      expect(content(await copy.snapshot())).to.deep.equal(content(oldChunks(CHUNK_BYTES)));
      await copy.commit(chunksOf({ 0: 1 }));
      expect(await dump(oldName(identity.overlay))).to.deep.equal(before);
      expect(await databases()).not.to.include(overlayKey(identity));
    });

    it("is brought here whole although an older page holds it open, and goes when that lets go", async () => {
      const identity = fresh();
      await writeOld(version, identity.overlay);
      const holder = await requested(indexedDB.open(oldName(identity.overlay)));
      const store = await open(identity);
      expect(content(await store.snapshot())).to.deep.equal(content(oldChunks(CHUNK_BYTES)));
      store.close();
      holder.close();
      if (version === 1) await requested(indexedDB.deleteDatabase(oldName(identity.overlay)));
      await expectMoved(identity, version);
    });
  });

describe("an overlay of an older format", () => {
  it("is found by root and any kernel of this project", async () => {
    const former = await formerDigests(OLD_ROOT);
    expect(former).to.deep.equal([OLD_FIRMWARE, OLDER_FIRMWARE]);
  });

  it("is brought here from the likeliest place, and another one stays where it is", async () => {
    const identity = fresh();
    const older = oldName(identity.overlay, OLDER_FIRMWARE);
    await writeOld(2, identity.overlay, { firmware: OLDER_FIRMWARE });
    await writeOld(3, identity.overlay);
    const before = await dump(older);
    await expectMoved(identity, 3);
    expect(await dump(older)).to.deep.equal(before);
  });

  it("is left alone when there is one of today's", async () => {
    const identity = fresh();
    const store = await open(identity);
    await store.commit(chunksOf({ 0: 1 }));
    store.close();
    await writeOld(3, identity.overlay);
    const before = await dump(oldName(identity.overlay));
    const again = await open(identity);
    expect(await again.snapshot()).to.deep.equal(chunksOf({ 0: 1 }));
    again.close();
    expect(await dump(oldName(identity.overlay))).to.deep.equal(before);
  });

  it("is kept when an older page went on with it after the browser was killed in the middle", async () => {
    const identity = fresh();
    const old = oldName(identity.overlay);
    await writeOld(3, identity.overlay);
    const kill = killAfter(5 + 3);
    (await open(identity)).close();
    kill.restore();
    expect(await readStored(overlayKey(identity))).not.to.equal(undefined);
    await writeOld(3, identity.overlay, { others: { generation: 223_456_790 } });
    const changed = await dump(old);
    (await open(identity)).close();
    expect(await dump(old)).to.deep.equal(changed);
    // And once that is settled nobody asks any more.
    const { entries } = await dump(overlayKey(identity));
    expect(JSON.stringify(entries.map((entry) => (entry as unknown[])[0]))).not.to.include("moved");
  });

  it("takes the memory that was kept of it along into oblivion", async () => {
    const identity = fresh();
    await writeOld(3, identity.overlay);
    const memory = `${oldName(identity.overlay)}/memory`;
    const request = indexedDB.open(memory);
    request.onupgradeneeded = () => void request.result.createObjectStore("state");
    (await requested(request)).close();
    await expectMoved(identity, 3);
    expect(await databases()).not.to.include(memory);
  });

  it("is refused and left alone when it is newer than it can be", async () => {
    const identity = fresh();
    const request = indexedDB.open(oldName(identity.overlay), 5);
    request.onupgradeneeded = () => request.result.createObjectStore("overlay").put(1, "x");
    (await requested(request)).close();
    const before = await dump(oldName(identity.overlay));
    expect(await rejection(open(identity))).to.have.property("problem", "newer");
    expect(await dump(oldName(identity.overlay))).to.deep.equal(before);

    const other = fresh();
    await writeOld(3, other.overlay, { others: { header: { format: 4 } } });
    expect(await rejection(open(other))).to.have.property("problem", "newer");
    expect((await dump(oldName(other.overlay))).version).to.equal(3);
  });

  it("can be deleted when it is damaged, and the others of its name stay", async () => {
    const identity = fresh();
    await writeOld(3, identity.overlay, { others: { header: 1 } });
    await writeOld(2, identity.overlay, { firmware: OLDER_FIRMWARE });
    expect(await rejection(open(identity))).to.be.instanceOf(StorageError);
    await deleteOverlay(identity);
    expect(await databases()).not.to.include(oldName(identity.overlay));
    expect(await databases()).to.include(oldName(identity.overlay, OLDER_FIRMWARE));
  });

  it("is complete on the next visit after a worker that brought it here was killed at any time", async () => {
    /** Kills it so many milliseconds after it began, or when it is done. @returns how long it took */
    async function openInWorker(identity: OverlayIdentity, killedAfter: number): Promise<number> {
      const worker = new Worker(new URL("./move-worker.ts", import.meta.url), { type: "module" });
      const said = (what: string) =>
        new Promise<void>((resolve) =>
          worker.addEventListener("message", ({ data }) => {
            if (data === what) resolve();
          }),
        );
      const open = said("open");
      const begun = said("begun");
      worker.postMessage(identity);
      await begun;
      const began = performance.now();
      await Promise.race([open, new Promise((resolve) => setTimeout(resolve, killedAfter))]);
      worker.terminate();
      return performance.now() - began;
    }

    const whole = fresh();
    await writeOld(3, whole.overlay);
    const duration = await openInWorker(whole, 60_000);
    await expectMoved(whole, 3);

    const left = { old: 0, both: 0, new: 0 };
    const rounds = 30;
    for (let round = 0; round < rounds; round++) {
      const identity = fresh();
      await writeOld(3, identity.overlay);
      await openInWorker(identity, (2 * duration * round) / rounds);
      const isNew = (await readStored(overlayKey(identity))) !== undefined;
      const isOld = (await databases()).includes(oldName(identity.overlay));
      expect(isNew || isOld).to.equal(true);
      left[isNew ? (isOld ? "both" : "new") : "old"]++;
      await expectMoved(identity, 3);
    }
    console.log(`killed within ${Math.round(2 * duration)} ms, which left`, JSON.stringify(left));
  });
});
