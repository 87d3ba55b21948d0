import { strict as assert } from "node:assert";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { REAL_CLOCK, sleep, withTimeLimit } from "../../src/common/clock.js";
import { deferred } from "../../src/common/deferred.js";
import { VirtualClock } from "./virtual-clock.js";

const late = () => new Error("late");

describe("Sleeping", () => {
  it("takes its time", async () => {
    const clock = new VirtualClock();
    await clock.until(sleep(clock, 60_000));
    assert.equal(clock.now(), 60_000);
  });

  it("ends when it is given up, and leaves no timer", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const sleeping = sleep(clock, 60_000, stop.signal);
    assert.equal(clock.pending, 1);
    stop.abort(new Error("up"));
    await assert.rejects(sleeping, { message: "up" });
    await assert.rejects(sleep(clock, 1, stop.signal), { message: "up" });
    assert.deepEqual([clock.pending, clock.now()], [0, 0]);
  });
});

describe("A time limit", () => {
  it("leaves nothing behind when the work is done in time", async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const limit = { clock, milliseconds: 10, late, signal };
    assert.equal(await withTimeLimit(limit, () => Promise.resolve(1)), 1);
    assert.deepEqual([clock.pending, getEventListeners(signal, "abort").length], [0, 0]);
  });

  it("aborts the work when it is late", async () => {
    const clock = new VirtualClock();
    const work = (signal: AbortSignal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error)),
      );
    const working = withTimeLimit({ clock, milliseconds: 10, late }, work);
    await assert.rejects(clock.until(working), { message: "late" });
    assert.equal(clock.now(), 10);
  });

  it("aborts the work with the caller, and begins none for one who gave up", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const started = deferred<AbortSignal>();
    const limit = { clock, milliseconds: Infinity, late, signal: stop.signal };
    const working = withTimeLimit(limit, async (signal) => {
      started.resolve(signal);
      await sleep(clock, 1e9, signal);
    });
    await started.promise;
    stop.abort(new Error("enough"));
    await assert.rejects(working, { message: "enough" });
    await assert.rejects(
      withTimeLimit(limit, () => assert.fail("it began")),
      { message: "enough" },
    );
  });
});

describe("The real clock", () => {
  it("never rings for Infinity, which timers take for no time at all", async () => {
    let rang = false;
    const cancels = [Infinity, 2 ** 31].map((time) => REAL_CLOCK.after(time, () => (rang = true)));
    await new Promise<void>((resolve) => REAL_CLOCK.after(5, resolve));
    assert.equal(rang, false);
    for (const cancel of cancels) cancel();
  });
});
