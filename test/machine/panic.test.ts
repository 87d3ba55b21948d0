import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPanic } from "../../src/machine/panic.js";
import { VirtualClock } from "../common/virtual-clock.js";

/** @param idle whether the CPU idles when it is looked at for the n-th time */
function suspect(idle: (look: number) => boolean, answers: boolean): Promise<boolean> {
  const clock = new VirtualClock();
  let look = 0;
  const pc = {
    get idle() {
      return idle(look++);
    },
  };
  const shell = { status: () => (answers ? Promise.resolve() : Promise.reject(new Error("late"))) };
  return clock.until(isPanic(pc, shell, clock));
}

describe("a line that looks like a kernel panic", () => {
  it("is none while the CPU idles now and then", async () =>
    assert.equal(await suspect((look) => look === 40, false), false));

  it("is none while a shell answers, however busy the router is", async () =>
    assert.equal(await suspect(() => false, true), false));

  it("is one when the CPU never idles and nobody answers", async () =>
    assert.equal(await suspect(() => false, false), true));
});
