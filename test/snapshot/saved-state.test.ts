import { expect } from "@esm-bundle/chai";
import { createStore, set } from "idb-keyval";
import { type OverlayIdentity, overlayKey } from "../../src/disk/overlay-store.js";
import {
  dropState,
  isFit,
  loadState,
  type SavedState,
  savedStateHeader,
  storeState,
} from "../../src/snapshot/saved-state.js";

const PC = { v86: "0.5.462", devices: 1, memoryBytes: 128 * 1024 * 1024 };

let number = 0;
const newIdentity = (): OverlayIdentity => ({
  overlay: `state-${number++}`,
  firmware: crypto.randomUUID(),
  diskBytes: 1024 * 1024,
});

const saved = (generation: number, bytes = 100_000): SavedState => ({
  pc: PC,
  generation,
  state: new Uint8Array(bytes).fill(generation).buffer,
  console: new TextEncoder().encode(`screen ${generation}`),
});

const raw = (identity: OverlayIdentity, key: string, value: unknown) =>
  set(key, value, createStore(`${overlayKey(identity)}/memory`, "state"));

describe("a saved state", () => {
  it("is none before one was stored", async () => {
    const identity = newIdentity();
    expect(await savedStateHeader(identity)).to.equal(undefined);
    expect(await loadState(identity)).to.equal(undefined);
    await dropState(identity);
  });

  it("comes back as it was stored", async () => {
    const identity = newIdentity();
    await storeState(identity, saved(7));
    const loaded = await loadState(identity);
    expect(loaded?.pc).to.deep.equal(PC);
    expect(loaded?.generation).to.equal(7);
    expect(new TextDecoder().decode(loaded?.console)).to.equal("screen 7");
    expect(new Uint8Array(loaded?.state ?? new ArrayBuffer(0))).to.deep.equal(
      new Uint8Array(100_000).fill(7),
    );
    expect((await savedStateHeader(identity))?.bytes).to.equal(100_000);
  });

  it("is replaced as a whole, so that a reader sees one or the other", async () => {
    const identity = newIdentity();
    await storeState(identity, saved(1, 1000));
    const storing = Array.from({ length: 10 }, (_, at) =>
      storeState(identity, saved(at + 2, 5000)),
    );
    for (let look = 0; look < 10; look++) {
      const loaded = await loadState(identity);
      // Header and state are read one after the other: parts of two are none at all.
      if (loaded) expect([1000, 5000]).to.include(loaded.state.byteLength);
    }
    await Promise.all(storing);
    const last = await loadState(identity);
    expect(last?.generation).to.equal(11);
    expect(new Uint8Array(last?.state ?? new ArrayBuffer(0))[0]).to.equal(11);
  });

  it("of one overlay is none of another", async () => {
    const identity = newIdentity();
    await storeState(identity, saved(1));
    expect(await loadState(newIdentity())).to.equal(undefined);
    await dropState(newIdentity());
    expect((await loadState(identity))?.generation).to.equal(1);
  });

  it("is none after it was dropped, and can be stored again", async () => {
    const identity = newIdentity();
    await storeState(identity, saved(1));
    await dropState(identity);
    expect(await loadState(identity)).to.equal(undefined);
    await storeState(identity, saved(2));
    expect((await loadState(identity))?.generation).to.equal(2);
  });

  it("is none when its record is foreign, damaged or incomplete", async () => {
    const identity = newIdentity();
    await storeState(identity, saved(1));
    const header = await savedStateHeader(identity);
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
    ]) {
      await raw(identity, "header", garbage);
      expect(await savedStateHeader(identity), JSON.stringify(garbage)).to.equal(undefined);
      expect(await loadState(identity), JSON.stringify(garbage)).to.equal(undefined);
    }
    await raw(identity, "header", header);
    expect((await loadState(identity))?.generation).to.equal(1);
    for (const garbage of [undefined, "garbage", new ArrayBuffer(10), new Uint8Array(100_000)]) {
      await raw(identity, "state", garbage);
      expect(await loadState(identity)).to.equal(undefined);
    }
  });

  it("fits only the PC and the content of the disk that it was saved at", () => {
    expect(isFit(saved(3), PC, 3)).to.equal(true);
    expect(isFit(saved(3), PC, 4)).to.equal(false);
    for (const other of [{ v86: "0.5.463" }, { devices: 2 }, { memoryBytes: 64 * 1024 * 1024 }])
      expect(isFit(saved(3), { ...PC, ...other }, 3), JSON.stringify(other)).to.equal(false);
  });
});
