import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { SyncSchedule } from "../../src/machine/sync-schedule.js";
import { VirtualClock } from "../common/virtual-clock.js";

describe("when a router is asked to store what it holds back", () => {
  let asked: number[];
  let clock: VirtualClock;
  let schedule: SyncSchedule;

  beforeEach(() => {
    asked = [];
    clock = new VirtualClock();
    schedule = new SyncSchedule(clock, () => {
      asked.push(clock.now());
      return Promise.resolve();
    });
  });

  it("once after many key presses, and once more for what they set going", async () => {
    for (let key = 0; key < 50; key++) {
      schedule.touched();
      await clock.pass(20);
    }
    await clock.pass(60_000);
    assert.equal(asked.length, 2);
    // 0.2 s after the last key.
    assert.equal(asked[0], 49 * 20 + 200);
  });

  it("again when a command prints something later", async () => {
    schedule.touched();
    await clock.pass(500);
    assert.equal(asked.length, 1);
    schedule.printed();
    await clock.pass(200);
    assert.equal(asked.length, 2);
  });

  it("also while somebody goes on and on", async () => {
    for (let key = 0; key < 100; key++) {
      schedule.touched();
      await clock.pass(100);
    }
    assert.equal(asked[0], 2000);
    assert.ok(asked.length >= 4, `${asked.length} times in 10 s`);
  });

  it("seldom when it only prints by itself", async () => {
    for (let line = 0; line < 600; line++) {
      schedule.printed();
      await clock.pass(100);
    }
    assert.ok(asked.length >= 8 && asked.length <= 12, `${asked.length} times in a minute`);
  });

  it("one at a time", async () => {
    let running = 0;
    const slow = new SyncSchedule(clock, async () => {
      assert.equal(++running, 1);
      await new Promise<void>((resolve) => void clock.after(3000, resolve));
      running--;
    });
    for (let key = 0; key < 50; key++) {
      slow.touched();
      await clock.pass(300);
    }
    slow.end();
  });

  it("not at all after its end", async () => {
    schedule.touched();
    schedule.end();
    schedule.touched();
    await clock.pass(60_000);
    assert.deepEqual(asked, []);
    assert.equal(clock.pending, 0);
  });
});
