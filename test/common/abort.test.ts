import { strict as assert } from "node:assert";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { abortable } from "../../src/common/abort.js";
import { deferred } from "../../src/common/deferred.js";

describe("Waiting that can be given up", () => {
  it("ends as the promise does, and listens no more", async () => {
    const { signal } = new AbortController();
    assert.equal(await abortable(Promise.resolve(1), signal), 1);
    const reason = new Error("no");
    await assert.rejects(abortable(Promise.reject(reason), signal), (error) => error === reason);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });

  it("ends with the signal's reason at once, and what comes later is nobody's", async () => {
    const stop = new AbortController();
    const slow = deferred<number>();
    const waiting = abortable(slow.promise, stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
    await assert.rejects(abortable(slow.promise, stop.signal), { message: "enough" });
    await assert.rejects(abortable(Promise.resolve(1), stop.signal), { message: "enough" });
    slow.reject(new Error("late"));
  });
});
