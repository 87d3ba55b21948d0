import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type WarmStep, WarmUp } from "../../src/machine/warm-up.js";
import { VirtualClock } from "../common/virtual-clock.js";

describe("warming up in idle", () => {
  let clock: VirtualClock;
  let log: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    log = [];
  });

  /** A step that takes so long, and ends early when it is told to. */
  const step =
    (name: string, milliseconds: number): WarmStep =>
    (signal) =>
      new Promise((resolve) => {
        log.push(`${name} begins`);
        const end = (how: string) => {
          over();
          signal.removeEventListener("abort", cut);
          log.push(`${name} ${how}`);
          resolve(undefined);
        };
        const cut = () => end("is cut");
        const over = clock.after(milliseconds, () => end("ends"));
        signal.addEventListener("abort", cut);
      });

  const make = (steps: WarmStep[], visible = true, inTheWay = () => false) =>
    new WarmUp({ clock, steps, visible, inTheWay });

  it("does each step once, when nobody has done anything for a moment", async () => {
    const warm = make([step("a", 100), step("b", 100)]);
    await clock.pass(399);
    assert.deepEqual(log, []);
    await clock.pass(60_000);
    assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends"]);
    warm.touched();
    await clock.pass(60_000);
    assert.equal(log.length, 4);
    assert.equal(clock.pending, 0);
  });

  it("stops at once when somebody comes, and goes on with the next step later", async () => {
    const warm = make([step("a", 1000), step("b", 100)]);
    await clock.pass(500);
    warm.touched();
    assert.deepEqual(log, ["a begins", "a is cut"]);
    for (let key = 0; key < 20; key++) {
      await clock.pass(100);
      warm.touched();
    }
    assert.equal(log.length, 2);
    await clock.pass(1000);
    assert.deepEqual(log.slice(2), ["b begins", "b ends"]);
  });

  it("takes no more than its share", async () => {
    make([step("a", 1500), step("b", 1500), step("c", 1)]);
    await clock.pass(60_000);
    assert.deepEqual(log, ["a begins", "a ends", "b begins", "b is cut"]);
  });

  it("waits while the page is hidden", async () => {
    const warm = make([step("a", 100)], false);
    await clock.pass(60_000);
    assert.deepEqual(log, []);
    warm.visible = true;
    await clock.pass(60_000);
    assert.equal(log.length, 2);
  });

  it("ends with the router, also in the middle of a step", async () => {
    const warm = make([step("a", 1000), step("b", 100)]);
    await clock.pass(500);
    warm.end();
    await clock.pass(60_000);
    assert.deepEqual(log, ["a begins", "a is cut"]);
    assert.equal(clock.pending, 0);
  });

  it("waits for what it would be in the way of, also between two steps", async () => {
    let busy = true;
    make([step("a", 100), step("b", 100)], true, () => busy);
    await clock.pass(5000);
    assert.deepEqual(log, []);
    busy = false;
    await clock.pass(250);
    assert.deepEqual(log, ["a begins"]);
    busy = true;
    await clock.pass(5000);
    assert.deepEqual(log, ["a begins", "a ends"]);
    busy = false;
    await clock.pass(1000);
    assert.deepEqual(log.slice(2), ["b begins", "b ends"]);
  });
});
