import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import { createStore, set } from "idb-keyval";
import {
  indexedDbMemory,
  memoryDatabase,
  readMemoryHeader,
} from "../../src/snapshot/indexeddb-memory.js";
import type { Page } from "../../src/snapshot/memory-image.js";
import { isFit, type KeptMemory, type MemoryStore } from "../../src/snapshot/memory-store.js";
import { PAGE_BYTES } from "../../src/snapshot/shared-pages.js";
import { requested } from "../disk/helpers.js";

/** A machine of 64 pages of memory and three of devices, the last of which is not full. */
const PC = { v86: "0.5.462", devices: 1, memoryBytes: 64 * PAGE_BYTES, kernel: "0" };
const DEVICE_BYTES = 2 * PAGE_BYTES + 100;
const PAGES = 64 + 3;
/** Small, so that a few pages make the base be written anew, in several records. */
const LIMITS = { piece: 7, beside: 12 };

let number = 0;
/** The key of an overlay that nobody has used. */
const newOverlay = () => `openwrt-playground/memory-${number++}/${crypto.randomUUID()}`;

const page = (fill: number): Page => new Uint8Array(PAGE_BYTES).fill(fill);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** What a keeper does: knows all pages, and tells the store what changed. */
class Model {
  pages = new Map<number, Page>();
  generation = 0;

  /** @param fills the first byte of pages by number; 0 is a page of zeros */
  change(fills: Record<number, number>) {
    const changes = new Map<number, Page | undefined>();
    const pages = new Map(this.pages);
    for (const [key, fill] of Object.entries(fills)) {
      const number = Number(key);
      changes.set(number, fill > 0 ? page(fill) : undefined);
      if (fill > 0) pages.set(number, page(fill));
      else pages.delete(number);
    }
    this.pages = pages;
    this.generation++;
    return { ...this.kept, changes };
  }

  get kept(): KeptMemory {
    const { pages, generation } = this;
    const console = new TextEncoder().encode(`screen ${generation}`);
    return { pc: PC, generation, deviceBytes: DEVICE_BYTES, pages, console };
  }
}

/** A kept memory as something that can be compared: a page by its first byte, when it is all of one. */
function shape(kept: KeptMemory | undefined) {
  if (!kept) return undefined;
  const pages = [...kept.pages]
    .sort(([one], [other]) => one - other)
    .map(([number, bytes]) => [
      number,
      bytes.every((byte) => byte === bytes[0]) ? bytes[0] : "torn",
    ]);
  const { pc, generation, deviceBytes } = kept;
  return { pc, generation, deviceBytes, console: text(kept.console), pages };
}

async function loaded(overlay: string) {
  const store = indexedDbMemory(overlay);
  const kept = await store.load();
  store.close();
  return shape(kept);
}

/**
 * Aborts a transaction in its middle: that of the next put, after so many of its puts.
 *
 * @returns takes the trap away again
 */
function abortAfter(puts: number): () => void {
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const original = IDBObjectStore.prototype.put;
  const restore = () => (IDBObjectStore.prototype.put = original);
  let left = puts;
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args) {
    const request = original.apply(this, args);
    if (left-- !== 0) return request;
    restore();
    this.transaction.abort();
    return request;
  };
  return restore;
}

async function namesOf(overlay: string): Promise<string[]> {
  const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
  return names.filter((name) => name === memoryDatabase(overlay));
}

describe("kept memory in IndexedDB", () => {
  it("is none before any was saved, and asking for it makes no database", async () => {
    const overlay = newOverlay();
    const store = indexedDbMemory(overlay);
    expect(await readMemoryHeader(overlay)).to.equal(undefined);
    expect(await store.load()).to.equal(undefined);
    expect(await store.drop()).to.equal(false);
    expect(store.bytes).to.equal(0);
    store.close();
    expect(await namesOf(overlay)).to.deep.equal([]);
  });

  it("comes back as it was saved, and is built upon after it was loaded", async () => {
    const overlay = newOverlay();
    const model = new Model();
    const first = indexedDbMemory(overlay, LIMITS);
    const fills = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [at * 2, at + 1]));
    const written = await first.save(model.change(fills));
    expect(written).to.equal(30 * PAGE_BYTES + "screen 1".length);
    expect(first.bytes).to.equal(30 * PAGE_BYTES);
    first.close();
    expect(await loaded(overlay)).to.deep.equal(shape(model.kept));

    const second = indexedDbMemory(overlay, LIMITS);
    await second.load();
    const more = await second.save(model.change({ 2: 0, 5: 77, 66: 78 }));
    expect(more, "two pages and the screen").to.equal(2 * PAGE_BYTES + "screen 2".length);
    second.close();
    expect(await loaded(overlay)).to.deep.equal(shape(model.kept));
    expect((await readMemoryHeader(overlay))?.generation).to.equal(2);
    expect((await readMemoryHeader(overlay))?.bytes).to.equal(33 * PAGE_BYTES);
  });

  it("is what was saved last after any saves, failures, drops and openings", async () => {
    const fills = fc.dictionary(
      fc.integer({ min: 0, max: PAGES - 1 }).map(String),
      fc.integer({ min: 0, max: 5 }),
      { minKeys: 1, maxKeys: 20 },
    );
    const steps = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.record({ what: fc.constant("save"), fills }) },
        {
          weight: 2,
          arbitrary: fc.record({
            what: fc.constant("fail"),
            fills,
            puts: fc.integer({ min: 0, max: 6 }),
          }),
        },
        { weight: 1, arbitrary: fc.record({ what: fc.constant("open") }) },
        { weight: 1, arbitrary: fc.record({ what: fc.constant("drop") }) },
      ),
      { minLength: 10, maxLength: 30 },
    );
    const seen = { whole: 0, partial: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const overlay = newOverlay();
        const model = new Model();
        let store = indexedDbMemory(overlay, LIMITS);
        let expected: KeptMemory | undefined;
        for (const step of sequence) {
          if (step.what === "drop") {
            await store.drop();
            expected = undefined;
            // Whoever drops knows nothing that is stored any more, and saves all of it.
          } else if (step.what === "open") {
            store = await newOwner(store, overlay, model);
          } else if ("puts" in step) {
            const save = model.change(step.fills);
            const disarm = abortAfter(step.puts);
            const saved = await store.save(save).then(
              () => true,
              () => false,
            );
            disarm();
            // With fewer puts than that it was not hit.
            if (saved) expected = model.kept;
            else seen.failed++;
            // Either the same owner goes on, or another page does with what it finds.
            if (!saved && step.puts % 2 === 0) store = await newOwner(store, overlay, model);
          } else if ("fills" in step) {
            const bytes = await store.save(model.change(step.fills));
            expected = model.kept;
            if (bytes >= model.pages.size * PAGE_BYTES) seen.whole++;
            else seen.partial++;
          }
          expect(await loaded(overlay)).to.deep.equal(shape(expected));
        }
        store.close();
      }),
      { numRuns: 40 },
    );
    for (const [what, times] of Object.entries(seen)) expect(times, what).to.be.greaterThan(20);
  });

  /** Another page goes on from what it finds. */
  async function newOwner(store: MemoryStore, overlay: string, model: Model) {
    store.close();
    const other = indexedDbMemory(overlay, LIMITS);
    model.pages = new Map((await other.load())?.pages);
    return other;
  }

  it("is of one save for whoever reads while another is under way", async () => {
    const overlay = newOverlay();
    const model = new Model();
    const store = indexedDbMemory(overlay, LIMITS);
    const everywhere = (fill: number) =>
      Object.fromEntries(Array.from({ length: fill % 3 === 0 ? PAGES : 9 }, (_, at) => [at, fill]));
    await store.save(model.change(everywhere(3)));
    const states = [shape(model.kept)];
    const over = new AbortController();
    const reading = (async () => {
      const found = [];
      while (!over.signal.aborted) found.push(await loaded(overlay));
      return found;
    })();
    for (let fill = 4; fill < 40; fill++) {
      const save = model.change(everywhere(fill));
      states.push(shape(model.kept));
      await store.save(save);
    }
    over.abort();
    const found = await reading;
    expect(found.length).to.be.greaterThan(5);
    for (const kept of found) expect(states).to.deep.include(kept);
    expect(new Set(found.map((kept) => kept?.generation)).size).to.be.greaterThan(2);
    store.close();
  });

  it("of one overlay is none of another", async () => {
    const overlay = newOverlay();
    const store = indexedDbMemory(overlay);
    const model = new Model();
    await store.save(model.change({ 1: 1 }));
    expect(await loaded(newOverlay())).to.equal(undefined);
    await indexedDbMemory(newOverlay()).drop();
    expect((await loaded(overlay))?.generation).to.equal(1);
    expect(await store.drop()).to.equal(true);
    expect(await loaded(overlay)).to.equal(undefined);
    expect(await readMemoryHeader(overlay)).to.equal(undefined);
    expect(store.bytes).to.equal(0);
    store.close();
  });

  it("does not keep another page from deleting the database, and begins anew after that", async () => {
    const overlay = newOverlay();
    const store = indexedDbMemory(overlay);
    const model = new Model();
    await store.save(model.change({ 1: 1, 2: 2 }));
    await requested(indexedDB.deleteDatabase(memoryDatabase(overlay)));
    expect(await namesOf(overlay)).to.deep.equal([]);
    const failure = await store.save(model.change({ 1: 3 })).then(
      () => undefined,
      (error: unknown) => error as { problem?: string },
    );
    expect(failure?.problem).to.equal("gone");
    await store.save(model.change({ 1: 4 }));
    store.close();
    expect(await loaded(overlay)).to.deep.equal(shape(model.kept));
  });

  it("of format 1 is none, and is deleted when it is found", async () => {
    const overlay = newOverlay();
    const old = createStore(memoryDatabase(overlay), "state");
    const header = { format: 1, pc: PC, generation: 1, console: new Uint8Array(), bytes: 10 };
    await set("header", header, old);
    await set("state", new ArrayBuffer(10), old);
    // That page is gone; its connection would be closed with it.
    const connections = await old("readonly", (store) => store.transaction.db);
    connections.close();
    expect(await readMemoryHeader(overlay)).to.equal(undefined);
    const db = await requested(indexedDB.open(memoryDatabase(overlay)));
    expect(await requested(db.transaction("state").objectStore("state").count())).to.equal(0);
    db.close();
  });

  it("is none when anything in it is not what a save leaves", async () => {
    const overlay = newOverlay();
    const model = new Model();
    const store = indexedDbMemory(overlay, LIMITS);
    const fills = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [at, at + 1]));
    await store.save(model.change(fills));
    await store.save(model.change({ 3: 99, 66: 98, 4: 0 }));
    store.close();
    const good = await loaded(overlay);
    expect(good).to.deep.equal(shape(model.kept));

    const db = await requested(indexedDB.open(memoryDatabase(overlay)));
    const records = () => db.transaction("state", "readwrite").objectStore("state");
    const put = (key: number | string, value: unknown) =>
      requested<unknown>(
        (value === undefined ? records().delete(key) : records().put(value, key)) as IDBRequest,
      );
    const read = (key: number | string) => requested<unknown>(records().get(key));
    const header = (await read("header")) as Record<string, unknown>;
    const piece = (await read(-1)) as { numbers: Uint32Array; content: Uint8Array };
    const longer = new Uint8Array(2 * PAGE_BYTES);
    const hostile: [number | string, unknown][] = [
      ...[null, "garbage", 42, {}].map((value): [string, unknown] => ["header", value]),
      ...Object.entries({
        format: 3,
        generation: "1",
        bytes: undefined,
        deviceBytes: DEVICE_BYTES - 2 * PAGE_BYTES,
        pieces: 1,
        beside: 2,
        pc: { ...PC, devices: "1" },
      }).map(([key, value]): [string, unknown] => ["header", { ...header, [key]: value }]),
      ["header", { ...header, pieces: 3 }],
      ["header", { ...header, beside: -1 }],
      ["header", { ...header, deviceBytes: 1e9 }],
      ["header", { ...header, deviceBytes: NaN }],
      ["header", { ...header, pc: { ...PC, memoryBytes: 2 * PAGE_BYTES } }],
      ["header", { ...header, pc: { ...PC, memoryBytes: PC.memoryBytes + 1 } }],
      ["console", undefined],
      ["console", "screen"],
      [-1, undefined],
      [-1, piece.content],
      [-1, { ...piece, numbers: [...piece.numbers] }],
      [-1, { ...piece, numbers: piece.numbers.slice(1) }],
      [-1, { ...piece, numbers: piece.numbers.with(0, PAGES) }],
      [-1, { ...piece, numbers: piece.numbers.with(0, piece.numbers[1] ?? 0) }],
      [-1, { ...piece, content: piece.content.slice(1) }],
      [-1.5, piece],
      [-3, piece],
      [3, "page"],
      [3, new Uint8Array(PAGE_BYTES - 1)],
      [3, new Uint8Array(longer.buffer, 0, PAGE_BYTES)],
      [3, new Uint16Array(PAGE_BYTES / 2)],
      [PAGES, page(1)],
      [1e9, page(1)],
      [7.5, page(1)],
    ];
    for (const [key, value] of hostile) {
      const before = await read(key);
      await put(key, value);
      const what = `${key}: ${JSON.stringify(value ?? null).slice(0, 60)}`;
      expect(await loaded(overlay), what).to.equal(undefined);
      await put(key, before);
    }
    expect(await loaded(overlay)).to.deep.equal(good);
    db.close();
  });

  it("fits only the PC and the content of the disk that it was saved at", () => {
    const kept = { pc: PC, generation: 3 };
    expect(isFit(kept, PC, 3)).to.equal(true);
    expect(isFit(kept, PC, 4)).to.equal(false);
    for (const other of [{ v86: "0.5.463" }, { devices: 2 }, { memoryBytes: 128 * 1024 * 1024 }])
      expect(isFit(kept, { ...PC, ...other }, 3), JSON.stringify(other)).to.equal(false);
  });
});
