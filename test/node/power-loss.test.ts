/**
 * What is in the file after the power was lost, at any moment and with any of the faults of unreliable-disk.ts: the last
 * change that resolved, or one that was tried after it, and nothing else. Every kind of moment has to come up, for a test
 * that never reaches one shows nothing; and an operating system that does not do what it is asked has to be found out.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { openFileChunkStore } from "../../src/host/node/file-chunk-store.js";
import type { Files } from "../../src/host/node/files.js";
import { chunksOf } from "../disk/helpers.js";
import { Random } from "../reliability/random.js";
import { UnreliableDisk } from "./unreliable-disk.js";

const BLOCK = 4096;
const CHUNKS = 6;
const SHAPE = {
  ...{ overlay: "test", root: "f".repeat(64), diskBytes: CHUNKS * BLOCK, chunkBytes: BLOCK },
};
const RUNS = 1000;

type State = ReadonlyMap<number, Uint8Array>;

const change = fc.record({
  kind: fc.constantFrom("commit", "commit", "commit", "drop", "drop", "replace", "clear"),
  seeds: fc.dictionary(fc.integer({ min: 0, max: CHUNKS - 1 }).map(String), fc.nat(255), {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  }),
});
/** A disk's life, from one loss of power to the next. */
const life = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 8 }),
  /** calls of the operating system until the power goes */
  calls: fc.nat(40),
  /** which of them fails */
  fault: fc.option(fc.nat(30), { nil: undefined }),
});
const lives = fc.array(life, { minLength: 1, maxLength: 3 });
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

/** How often each came up. */
class Seen {
  readonly times = {
    "a change under way is there": 0,
    "a change under way is not there": 0,
    "nothing was ever stored": 0,
    "half a commit at the end": 0,
    "a new file without its name": 0,
    "a call failed": 0,
  };
}

async function live(
  all: readonly Life[],
  seed: number,
  seen: Seen,
  spoil = (files: Files) => files,
) {
  const random = new Random(seed);
  let disk = new UnreliableDisk(() => random.next());
  let stored: State = new Map();
  for (const { changes, calls, fault } of all) {
    const store = await open(spoil(disk.files));
    disk.powerLossAt = disk.calls + calls;
    if (fault !== undefined) disk.fault = { at: disk.calls + fault, code: "EIO" };
    /** what there may be after the power was lost: what is stored, and what was tried after it */
    let possible = [stored];
    let generation = store.generation();
    for (const { kind, seeds } of changes) {
      const chunks = chunksOf(seeds, BLOCK);
      const isAdded = kind === "commit" || kind === "drop";
      const dropped =
        kind === "drop" ? [...stored.keys()].filter((index) => !chunks.has(index)).slice(0, 2) : [];
      const next: State = new Map([
        ...(isAdded ? [...stored].filter(([index]) => !dropped.includes(index)) : []),
        ...(kind === "clear" ? [] : chunks),
      ]);
      try {
        if (kind === "clear") await store.clear();
        else if (kind === "replace") await store.replace(chunks);
        else await store.commit(chunks, dropped);
        stored = next;
        possible = [stored];
        generation = store.generation();
      } catch {
        possible.push(next);
        if (disk.calls > disk.powerLossAt) break;
        seen.times["a call failed"]++;
        // A new file that has its name already is what there is.
        const now = await store.snapshot();
        const isAnew = !isAdded || generation === 0;
        assert.ok(same(now, stored) || (isAnew && same(now, next)), "it failed by half");
        stored = now;
      }
    }
    disk = disk.afterPowerLoss();
    const left = await open(disk.files);
    const found = await left.snapshot();
    const at = possible.findIndex((state) => same(state, found));
    assert.notEqual(at, -1, "what is there is neither the last change nor one that was tried");
    assert.ok(left.generation() >= generation, "an old generation is there again");
    if (possible.length > 1)
      seen.times[at > 0 ? "a change under way is there" : "a change under way is not there"]++;
    if (left.generation() === 0) seen.times["nothing was ever stored"]++;
    if (disk.names.includes("/log.new")) seen.times["a new file without its name"]++;
    const size = disk.content("/log")?.length ?? 0;
    stored = new Map([...found, ...chunksOf({ 0: 1 }, BLOCK)]);
    await left.commit(chunksOf({ 0: 1 }, BLOCK));
    if ((disk.content("/log")?.length ?? 0) < size + 2 * BLOCK)
      seen.times["half a commit at the end"]++;
  }
}

const open = (files: Files): Promise<ChunkStore> =>
  openFileChunkStore("/log", SHAPE, { files, spareBytes: 4 * BLOCK });

function same(one: State, other: State): boolean {
  return (
    one.size === other.size &&
    [...one].every(([index, chunk]) => Buffer.from(chunk).equals(other.get(index) ?? Buffer.of()))
  );
}

test("the file has the last change that resolved, or one that was tried after it", async () => {
  const seen = new Seen();
  await fc.assert(
    fc.asyncProperty(lives, fc.nat(), (all, seed) => live(all, seed, seen)),
    { numRuns: RUNS },
  );
  for (const [what, times] of Object.entries(seen.times))
    assert.ok(times >= RUNS / 100, `"${what}" came up ${times} times`);
});

const SABOTAGES: Record<string, (files: Files) => Files> = {
  "does not sync files": (files) => ({
    ...files,
    create: async (path) => ({ ...(await files.create(path)), sync: () => Promise.resolve() }),
    open: async (path) => {
      const file = await files.open(path);
      return file && { ...file, sync: () => Promise.resolve() };
    },
  }),
  "does not sync folders": (files) => ({ ...files, syncFolder: () => Promise.resolve() }),
};

for (const [name, spoil] of Object.entries(SABOTAGES))
  test(`an operating system that ${name} is found out`, async () => {
    const { failed } = await fc.check(
      fc.asyncProperty(lives, fc.nat(), (all, seed) => live(all, seed, new Seen(), spoil)),
      { numRuns: RUNS, endOnFailure: true },
    );
    assert.equal(failed, true);
  });
