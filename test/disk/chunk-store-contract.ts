/** What every chunk store must do. A new one is added to chunk-store.test.ts, or to a test of its own where that runs. */
import fc from "fast-check";
import type { OpenedStore, Suite } from "./contracts.js";
import { chunkOf, chunksOf } from "./helpers.js";

/** Size in bytes and number of the chunks. */
export const CHUNK = 4096;
export const CHUNKS = 16;

const of = (seeds: Record<number, number>) => chunksOf(seeds, CHUNK);
const sorted = (indexes: number[]) => indexes.sort((a, b) => a - b);

/** @param open a new store, of {@link CHUNKS} chunks */
export function chunkStoreContract(
  { describe, it, expect }: Suite,
  name: string,
  open: () => Promise<OpenedStore>,
): void {
  describe(`a chunk store (${name})`, () => {
    it("starts empty, with generation 0", async () => {
      const { store } = await open();
      expect(await store.indexes()).to.deep.equal([]);
      expect((await store.snapshot()).size).to.equal(0);
      expect(store.generation()).to.equal(0);
      store.close();
    });

    it("gives back what was committed", async () => {
      const { store } = await open();
      await store.commit(of({ 3: 3, 0: 9 }));
      expect(sorted(await store.indexes())).to.deep.equal([0, 3]);
      expect(await store.read(3)).to.deep.equal(chunkOf(3, CHUNK));
      expect(await store.read(0)).to.deep.equal(chunkOf(9, CHUNK));
      expect(await store.snapshot()).to.deep.equal(of({ 0: 9, 3: 3 }));
      store.close();
    });

    it("keeps the last of several commits to a chunk", async () => {
      const { store } = await open();
      await Promise.all([1, 2, 3].map((seed) => store.commit(of({ 7: seed }))));
      expect(await store.read(7)).to.deep.equal(chunkOf(3, CHUNK));
      store.close();
    });

    it("drops chunks with the ones it stores, in one commit", async () => {
      const { store, reopen } = await open();
      await store.commit(of({ 1: 1, 2: 2, 3: 3 }));
      const before = store.generation();
      await store.commit(of({ 4: 4 }), [1, 3]);
      expect(store.generation()).to.be.above(before);
      expect(await store.snapshot()).to.deep.equal(of({ 2: 2, 4: 4 }));
      await store.commit(new Map(), [2]);
      await store.commit(of({ 1: 10 }));
      expect(await store.snapshot()).to.deep.equal(of({ 1: 10, 4: 4 }));
      store.close();
      if (!reopen) return;
      const again = await reopen();
      expect(sorted(await again.indexes())).to.deep.equal([1, 4]);
      expect(await again.snapshot()).to.deep.equal(of({ 1: 10, 4: 4 }));
      again.close();
    });

    it("keeps its own bytes, whatever is done to those that were given or taken", async () => {
      const { store } = await open();
      const given = of({ 1: 1 });
      await store.commit(given);
      given.get(1)?.fill(0xee);
      (await store.read(1)).fill(0);
      (await store.snapshot()).get(1)?.fill(0);
      expect(await store.read(1)).to.deep.equal(chunkOf(1, CHUNK));
      store.close();
    });

    it("reads no commit by half, however reads and commits overlap", async () => {
      const { store } = await open();
      await store.commit(of({ 0: 0, 5: 0, 9: 0 }));
      const commits = [1, 2, 3, 4, 5].map((seed) =>
        store.commit(of({ 0: seed, 5: seed, 9: seed })),
      );
      const snapshots = await Promise.all(commits.map(() => store.snapshot()));
      for (const snapshot of snapshots) {
        const [first, second, third] = [0, 5, 9].map((index) => snapshot.get(index)?.[0]);
        expect([second, third]).to.deep.equal([first, first]);
      }
      await Promise.all(commits);
      store.close();
    });

    it("is empty after clear, and usable", async () => {
      const { store } = await open();
      await store.commit(of({ 1: 1 }));
      await store.clear();
      expect(await store.indexes()).to.deep.equal([]);
      expect((await store.snapshot()).size).to.equal(0);
      await store.commit(of({ 2: 2 }));
      expect(await store.snapshot()).to.deep.equal(of({ 2: 2 }));
      store.close();
    });

    it("has exactly the new chunks after replace", async () => {
      const { store } = await open();
      await store.commit(of({ 1: 1, 2: 2 }));
      await store.replace(of({ 2: 20, 3: 30 }));
      expect(await store.snapshot()).to.deep.equal(of({ 2: 20, 3: 30 }));
      await store.replace(new Map());
      expect(await store.indexes()).to.deep.equal([]);
      store.close();
    });

    it("has a new generation after every change, and never an old one", async () => {
      const { store } = await open();
      const seen = [store.generation()];
      for (const change of [
        () => store.commit(of({ 1: 1 })),
        () => store.commit(of({ 1: 1 })),
        () => store.clear(),
        () => store.clear(),
        () => store.commit(of({ 1: 1 })),
        () => store.replace(of({ 1: 1 })),
      ]) {
        await change();
        seen.push(store.generation());
      }
      for (let at = 1; at < seen.length; at++) expect(seen[at]).to.be.above(seen[at - 1] ?? NaN);
      expect(Number.isSafeInteger(seen.at(-1))).to.equal(true);
      store.close();
    });

    it("has everything again after it was closed and opened", async () => {
      const { store, reopen } = await open();
      if (!reopen) return store.close();
      await store.commit(of({ 5: 5 }));
      const generation = store.generation();
      store.close();
      const again = await reopen();
      expect(await again.snapshot()).to.deep.equal(of({ 5: 5 }));
      expect(again.generation()).to.equal(generation);
      again.close();
    });

    it("behaves like a map under any sequence of requests", async () => {
      const request = fc.record({
        kind: fc.constantFrom(
          ...["commit", "commit", "commit", "drop", "replace", "clear", "read", "reopen"],
        ),
        seeds: fc.dictionary(fc.integer({ min: 0, max: CHUNKS - 1 }).map(String), fc.nat(255), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      });
      const sequence = fc.array(request, { minLength: 80, maxLength: 80 });
      await fc.assert(
        fc.asyncProperty(sequence, async (requests) => {
          const { store: first, reopen } = await open();
          let store = first;
          const model = new Map<number, Uint8Array<ArrayBuffer>>();
          for (const { kind, seeds } of requests) {
            const chunks = of(seeds);
            if (kind === "commit") await store.commit(chunks);
            if (kind === "drop") {
              const dropped = [...model.keys()].filter((index) => !chunks.has(index)).slice(0, 3);
              await store.commit(chunks, dropped);
              for (const index of dropped) model.delete(index);
            }
            if (kind === "replace") await store.replace(chunks);
            if (kind === "clear") await store.clear();
            if (kind === "replace" || kind === "clear") model.clear();
            if (kind === "commit" || kind === "drop" || kind === "replace")
              for (const [index, chunk] of chunks) model.set(index, chunk);
            if (kind === "read")
              for (const index of Object.keys(seeds).map(Number))
                if (model.has(index))
                  expect(await store.read(index)).to.deep.equal(model.get(index));
            if (kind === "reopen" && reopen) {
              store.close();
              store = await reopen();
            }
            expect(sorted(await store.indexes())).to.deep.equal(sorted([...model.keys()]));
          }
          expect(await store.snapshot()).to.deep.equal(model);
          store.close();
        }),
        { numRuns: 15 },
      );
    });
  });
}
