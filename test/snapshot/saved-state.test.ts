import { expect } from "@esm-bundle/chai";
import { createStore, set } from "idb-keyval";
import {
  dropState,
  isFit,
  loadState,
  type SavedState,
  savedStateHeader,
  storeState,
} from "../../src/snapshot/saved-state.js";

const PC = {
  ...{ v86: "0.5.462", devices: 1, memoryBytes: 128 * 1024 * 1024 },
  kernel: "ab".repeat(32),
};

let number = 0;
const newOverlay = () => `openwrt-playground/state-${number++}/${"f".repeat(64)}`;

const saved = (generation: number, bytes = 100_000): SavedState => ({
  pc: PC,
  generation,
  state: new Uint8Array(bytes).fill(generation).buffer,
  console: new TextEncoder().encode(`screen ${generation}`),
});

const raw = (overlay: string, key: string, value: unknown) =>
  set(key, value, createStore(`${overlay}/memory`, "state"));

describe("a saved state", () => {
  it("is none before one was stored", async () => {
    const overlay = newOverlay();
    expect(await savedStateHeader(overlay)).to.equal(undefined);
    expect(await loadState(overlay)).to.equal(undefined);
    await dropState(overlay);
  });

  it("comes back as it was stored", async () => {
    const overlay = newOverlay();
    await storeState(overlay, saved(7));
    const loaded = await loadState(overlay);
    expect(loaded?.pc).to.deep.equal(PC);
    expect(loaded?.generation).to.equal(7);
    expect(new TextDecoder().decode(loaded?.console)).to.equal("screen 7");
    expect(new Uint8Array(loaded?.state ?? new ArrayBuffer(0))).to.deep.equal(
      new Uint8Array(100_000).fill(7),
    );
    expect((await savedStateHeader(overlay))?.bytes).to.equal(100_000);
  });

  it("is replaced as a whole, so that a reader sees one or the other", async () => {
    const overlay = newOverlay();
    await storeState(overlay, saved(1, 1000));
    const storing = Array.from({ length: 10 }, (_, at) => storeState(overlay, saved(at + 2, 5000)));
    for (let look = 0; look < 10; look++) {
      const loaded = await loadState(overlay);
      // Header and state are read one after the other: parts of two are none at all.
      if (loaded) expect([1000, 5000]).to.include(loaded.state.byteLength);
    }
    await Promise.all(storing);
    const last = await loadState(overlay);
    expect(last?.generation).to.equal(11);
    expect(new Uint8Array(last?.state ?? new ArrayBuffer(0))[0]).to.equal(11);
  });

  it("of one overlay is none of another", async () => {
    const overlay = newOverlay();
    await storeState(overlay, saved(1));
    expect(await loadState(newOverlay())).to.equal(undefined);
    await dropState(newOverlay());
    expect((await loadState(overlay))?.generation).to.equal(1);
  });

  it("is none after it was dropped, and can be stored again", async () => {
    const overlay = newOverlay();
    await storeState(overlay, saved(1));
    await dropState(overlay);
    expect(await loadState(overlay)).to.equal(undefined);
    await storeState(overlay, saved(2));
    expect((await loadState(overlay))?.generation).to.equal(2);
  });

  it("is none when its record is foreign, damaged or incomplete", async () => {
    const overlay = newOverlay();
    await storeState(overlay, saved(1));
    const header = await savedStateHeader(overlay);
    for (const garbage of [
      null,
      "garbage",
      42,
      {},
      { ...header, format: 2 },
      { ...header, generation: "1" },
      { ...header, bytes: undefined },
      { ...header, console: "screen" },
      { ...header, pc: undefined },
      { ...header, pc: { ...PC, devices: "1" } },
      { ...header, pc: { ...PC, kernel: undefined } },
    ]) {
      await raw(overlay, "header", garbage);
      expect(await savedStateHeader(overlay), JSON.stringify(garbage)).to.equal(undefined);
      expect(await loadState(overlay), JSON.stringify(garbage)).to.equal(undefined);
    }
    await raw(overlay, "header", header);
    expect((await loadState(overlay))?.generation).to.equal(1);
    for (const garbage of [undefined, "garbage", new ArrayBuffer(10), new Uint8Array(100_000)]) {
      await raw(overlay, "state", garbage);
      expect(await loadState(overlay)).to.equal(undefined);
    }
  });

  it("fits only the PC and the content of the disk that it was saved at", () => {
    expect(isFit(saved(3), PC, 3)).to.equal(true);
    expect(isFit(saved(3), PC, 4)).to.equal(false);
    for (const other of [
      { v86: "0.5.463" },
      { devices: 2 },
      { memoryBytes: 64 * 1024 * 1024 },
      { kernel: "cd".repeat(32) },
    ])
      expect(isFit(saved(3), { ...PC, ...other }, 3), JSON.stringify(other)).to.equal(false);
  });
});
