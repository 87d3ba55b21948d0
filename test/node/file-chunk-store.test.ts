/** The chunk store in a file: the contracts of test/disk/, what it refuses, and files that were cut or spoilt. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { StorageError } from "../../src/disk/errors.js";
import { openFileChunkStore } from "../../src/host/node/file-chunk-store.js";
import { CHUNK as STORE_CHUNK, CHUNKS, chunkStoreContract } from "../disk/chunk-store-contract.js";
import { CHUNK, diskContract, SIZE } from "../disk/disk-contract.js";
import { chunksOf, rejection } from "../disk/helpers.js";
import { expect, NODE } from "./suite.js";
import { UnreliableDisk } from "./unreliable-disk.js";

const folder = mkdtempSync(join(tmpdir(), "playground-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let serial = 0;

const BLOCK = 4096;
const FIRMWARE = "f".repeat(64);
const shapeOf = (diskBytes: number, chunkBytes: number) => ({
  ...{ overlay: "test", root: FIRMWARE, diskBytes, chunkBytes },
});
const SHAPE = shapeOf(CHUNKS * BLOCK, BLOCK);
const of = (seeds: Record<number, number>) => chunksOf(seeds, BLOCK);

/** A new file, and how to open it again; written anew whenever it can be. */
function fresh(diskBytes: number, chunkBytes: number, spareBytes?: number) {
  const path = join(folder, String(serial++), "log");
  const shape = shapeOf(diskBytes, chunkBytes);
  return () => openFileChunkStore(path, shape, spareBytes === undefined ? {} : { spareBytes });
}

for (const [name, spareBytes] of [
  ["in a file", undefined],
  ["in a file that is written anew all the time", 0],
] as const) {
  chunkStoreContract(NODE, name, async () => {
    const reopen = fresh(CHUNKS * STORE_CHUNK, STORE_CHUNK, spareBytes);
    return { store: await reopen(), reopen };
  });
  diskContract(NODE, name, async () => {
    const reopen = fresh(SIZE, CHUNK, spareBytes);
    return { store: await reopen(), reopen };
  });
}
diskContract(NODE, "in a file on a disk that fails now and then", async () => {
  const disk = new UnreliableDisk(() => 0.5);
  const reopen = () => openFileChunkStore("/log", shapeOf(SIZE, CHUNK), { files: disk.files });
  const failNextWrite = () => {
    disk.fault = { at: disk.calls + 1, code: "EIO" };
    return () => (disk.fault = undefined);
  };
  return { store: await reopen(), reopen, failNextWrite };
});

/** A file in memory of some commits, and what was stored after each. */
async function written() {
  const disk = new UnreliableDisk(() => 0);
  const store = await openFileChunkStore("/log", SHAPE, { files: disk.files });
  const states = [];
  const ends = [];
  for (const seeds of [{ 0: 1, 1: 2 }, { 1: 3 }, { 2: 4, 3: 5, 15: 6 }, { 0: 7, 3: 8 }]) {
    await store.commit(of(seeds));
    states.push(await store.snapshot());
    ends.push(disk.content("/log")?.length ?? 0);
  }
  const bytes = disk.content("/log") ?? new Uint8Array();
  return { bytes, states, ends, generation: store.generation() };
}

function openBytes(bytes: Uint8Array<ArrayBuffer>, shape = SHAPE): Promise<ChunkStore> {
  const disk = new UnreliableDisk(() => 0);
  disk.put("/log", bytes);
  return openFileChunkStore("/log", shape, { files: disk.files });
}

/** @returns after which commit the content is as it is; the problem when it is refused */
async function found(
  bytes: Uint8Array<ArrayBuffer>,
  states: readonly Map<number, Uint8Array>[],
): Promise<number | string> {
  try {
    const content = await (await openBytes(bytes)).snapshot();
    const state = states.findIndex((each) => isSame(each, content));
    if (state === -1) throw new Error("It has a content that was never stored.");
    return state;
  } catch (error) {
    if (error instanceof StorageError) return error.problem;
    throw error;
  }
}

function isSame(one: Map<number, Uint8Array>, other: Map<number, Uint8Array>): boolean {
  return (
    one.size === other.size &&
    [...one].every(([index, chunk]) => Buffer.from(chunk).equals(other.get(index) ?? Buffer.of()))
  );
}

describe("a file of chunks that was cut", () => {
  it("has the commits that are whole, wherever it was cut", async () => {
    const { bytes, states, ends } = await written();
    const [first = NaN, second = NaN] = ends;
    for (let length = bytes.length; length >= first; length -= length > second ? 1 : 61) {
      const whole = ends.filter((end) => end <= length).length - 1;
      expect(await found(bytes.slice(0, length), states), `${length} bytes`).to.equal(whole);
    }
    // It has its name only when the first one is in it.
    for (let length = 0; length < first; length += 61)
      expect(await found(bytes.slice(0, length), states), `${length} bytes`).to.equal("damaged");
  });

  it("goes on after the last whole commit", async () => {
    const { bytes, states, ends } = await written();
    const disk = new UnreliableDisk(() => 0);
    disk.put("/log", bytes.slice(0, bytes.length - 1));
    const open = () => openFileChunkStore("/log", SHAPE, { files: disk.files });
    const store = await open();
    // Looking changes nothing.
    expect(disk.content("/log")?.length).to.equal(bytes.length - 1);
    await store.commit(of({ 9: 9 }));
    expect(disk.content("/log")?.length).to.equal((ends[2] ?? NaN) + 2 * BLOCK);
    const expected = new Map([...(states[2] ?? []), ...of({ 9: 9 })]);
    expect(isSame(await (await open()).snapshot(), expected)).to.equal(true);
  });
});

describe("a file of chunks in which a byte is another", () => {
  it("is refused, or has a number of whole commits", async () => {
    const { bytes, states, ends } = await written();
    const last = ends.at(-2) ?? NaN;
    const seen = new Set<number | string>();
    for (let at = 0; at < bytes.length; at += at % BLOCK < 128 ? 1 : 37) {
      const spoilt = bytes.slice();
      spoilt[at] = (spoilt[at] ?? 0) ^ (1 << (at % 8));
      const outcome = await found(spoilt, states);
      seen.add(outcome);
      // Only the last commit can be one that was under way.
      if (outcome === 2) expect(at).to.be.at.least(last);
      else if (outcome !== 3) expect(outcome, `byte ${at}`).to.be.a("string");
    }
    expect([...seen].sort()).to.deep.equal([2, 3, "damaged", "newer"]);
  });

  it("lets everything else be read when only one chunk is damaged", async () => {
    const { bytes } = await written();
    // The first chunk of the first commit, which the last one replaced, and the second, which the second one did.
    for (const at of [2 * BLOCK, 3 * BLOCK]) bytes[at] = (bytes[at] ?? 0) ^ 1;
    // Chunk 15, the last of the third commit.
    const chunk15 = 9 * BLOCK;
    bytes[chunk15 + 5] = (bytes[chunk15 + 5] ?? 0) ^ 1;
    const store = await openBytes(bytes);
    for (const [index, seed] of [
      [0, 7],
      [1, 3],
      [2, 4],
      [3, 8],
    ] as const)
      expect(await store.read(index)).to.deep.equal(of({ [index]: seed }).get(index));
    expect(await rejection(store.read(15))).to.have.property("problem", "damaged");
  });
});

describe("a file of chunks that a guest wants to be taken for another", () => {
  it("takes nothing in a chunk for a commit", async () => {
    const { bytes, states } = await written();
    // Heads of this very file, which a guest cannot know: but for the salt it can.
    const forged = of({ 5: 0 }).get(5) ?? new Uint8Array();
    forged.set(bytes.slice(BLOCK, 2 * BLOCK));
    forged.fill(0, 16, 32);
    const disk = new UnreliableDisk(() => 0);
    disk.put("/log", bytes);
    const store = await openFileChunkStore("/log", SHAPE, { files: disk.files });
    await store.commit(new Map([[5, forged]]));
    const cut = disk.content("/log")?.slice() ?? new Uint8Array();
    // The head of that commit did not arrive, its chunk did.
    cut.fill(0, bytes.length, bytes.length + BLOCK);
    expect(await found(cut, states)).to.equal(3);
  });
});

describe("a file that this version cannot use", () => {
  it("is refused when it belongs to another overlay, firmware or disk", async () => {
    const { bytes } = await written();
    for (const other of [
      { ...SHAPE, overlay: "other" },
      { ...SHAPE, root: "e".repeat(64) },
      { ...SHAPE, diskBytes: 2 * SHAPE.diskBytes },
      { ...SHAPE, chunkBytes: 2 * SHAPE.chunkBytes },
    ])
      expect(await rejection(openBytes(bytes, other))).to.have.property("problem", "mismatch");
  });

  it("is refused when it has a newer format, or is something else", async () => {
    const { bytes } = await written();
    const newer = bytes.slice();
    newer[12] = 2;
    expect(await rejection(openBytes(newer))).to.have.property("problem", "newer");
    for (const garbage of [new Uint8Array(), new Uint8Array(BLOCK), bytes.slice(1)])
      expect(await rejection(openBytes(garbage))).to.have.property("problem", "damaged");
  });

  it("stays as it is when it is refused", async () => {
    const path = join(folder, "garbage");
    writeFileSync(path, "something else");
    const { mtimeMs } = statSync(path);
    expect(await rejection(openFileChunkStore(path, SHAPE))).to.have.property("problem", "damaged");
    expect(statSync(path).mtimeMs).to.equal(mtimeMs);
  });
});

describe("a store in a file", () => {
  it("makes no file before something is stored", async () => {
    const path = join(folder, "untouched", "log");
    const store = await openFileChunkStore(path, SHAPE);
    expect(await store.indexes()).to.deep.equal([]);
    store.close();
    expect(() => statSync(path)).to.throw("ENOENT");
  });

  it("has no room for a commit that does not fit, and stores it when there is", async () => {
    const disk = new UnreliableDisk(() => 0.5);
    const open = () => openFileChunkStore("/log", SHAPE, { files: disk.files });
    const store = await open();
    await store.commit(of({ 0: 1 }));
    const generation = store.generation();
    for (const at of [0, 1]) {
      disk.fault = { at: disk.calls + at, code: "ENOSPC" };
      expect(await rejection(store.commit(of({ 0: 2, 1: 2 })))).to.have.property("problem", "full");
      expect(store.generation()).to.equal(generation);
      expect(isSame(await store.snapshot(), of({ 0: 1 }))).to.equal(true);
      expect(isSame(await (await open()).snapshot(), of({ 0: 1 }))).to.equal(true);
    }
    await store.commit(of({ 0: 2, 1: 2 }));
    expect(isSame(await (await open()).snapshot(), of({ 0: 2, 1: 2 }))).to.equal(true);
  });

  it("says that its data is gone when the file was deleted, and does not start anew", async () => {
    const path = join(folder, "gone", "log");
    const store = await openFileChunkStore(path, SHAPE);
    await store.commit(of({ 0: 1 }));
    rmSync(path);
    expect(await rejection(store.commit(of({ 1: 1 })))).to.have.property("problem", "gone");
    expect(() => statSync(path)).to.throw("ENOENT");
    await store.replace(of({ 2: 2 }));
    store.close();
    const again = await openFileChunkStore(path, SHAPE);
    expect(await again.indexes()).to.deep.equal([2]);
    again.close();
  });

  it("is never much larger than twice what it holds", async () => {
    const spareBytes = 8 * BLOCK;
    const disk = new UnreliableDisk(() => 0.5);
    const store = await openFileChunkStore("/log", SHAPE, { files: disk.files, spareBytes });
    for (let round = 0; round < 200; round++) {
      await store.commit(of({ [round % 3]: round & 0xff }));
      const needed = 5 * BLOCK;
      expect(disk.content("/log")?.length).to.be.at.most(needed + spareBytes + 2 * BLOCK);
    }
    expect(disk.names).to.deep.equal(["/log"]);
  });
});
