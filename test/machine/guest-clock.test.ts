import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { GuestClock } from "../../src/machine/guest-clock.js";
import { VirtualClock } from "../common/virtual-clock.js";

describe("the router's clock", () => {
  let clock: VirtualClock;
  /** how long the computer has slept, or its clock was set on */
  let jumped: number;
  let told: number[];
  const wall = () => 1_800_000_000_000 + clock.now() + jumped;

  beforeEach(() => {
    clock = new VirtualClock();
    jumped = 0;
    told = [];
  });

  const follow = (set = (time: number) => (told.push(time), Promise.resolve())) =>
    new GuestClock(clock, wall, set);

  it("is left alone while time goes on as usual", async () => {
    const guest = follow();
    await clock.pass(3600_000);
    assert.deepEqual(told, []);
    guest.end();
  });

  it("is set once after the computer slept", async () => {
    const guest = follow();
    await clock.pass(60_000);
    jumped = 8 * 3600_000;
    await clock.pass(60_000);
    assert.equal(told.length, 1);
    assert.ok(Math.abs(told[0]! - wall() + 55_000) < 5001);
    guest.end();
  });

  it("is set back as well", async () => {
    const guest = follow();
    jumped = -10_000;
    await clock.pass(10_000);
    assert.equal(told.length, 1);
    guest.end();
  });

  it("is set later when the router does not answer at once", async () => {
    let answers = false;
    const guest = follow((time) => {
      if (!answers) return Promise.reject(new Error("busy"));
      told.push(time);
      return Promise.resolve();
    });
    jumped = 60_000;
    await clock.pass(20_000);
    answers = true;
    await clock.pass(10_000);
    assert.equal(told.length, 1);
    guest.end();
  });

  it("is left alone after the router's end, also in the middle of a look", async () => {
    const guest = follow(async (time) => {
      told.push(time);
      await Promise.resolve();
      guest.end();
    });
    jumped = 60_000;
    await clock.pass(60_000);
    assert.equal(told.length, 1);
    assert.equal(clock.pending, 0);
  });
});
