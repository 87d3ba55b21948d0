import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { type Cpu, type Hold, Holds } from "../../src/machine/holds.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** As v86 0.5.462: stop() waits for the moment when the CPU stands, and run() before that makes it wait for ever. */
class FakeCpu implements Cpu {
  runs = false;
  #stopping = false;

  run(): Promise<void> {
    assert.equal(this.#stopping, false, "run() came before stop() was done");
    this.runs = true;
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await turn();
    this.#stopping = false;
    this.runs = false;
  }
}

describe("holds on the CPU", () => {
  it("stop it until the last one is released", async () => {
    const cpu = new FakeCpu();
    const holds = new Holds(cpu);
    await holds.allow();
    assert.equal(cpu.runs, true);
    const save = await holds.hold("save");
    const stall = await holds.hold("stall");
    assert.equal(cpu.runs, false);
    save[Symbol.dispose]();
    await turn();
    assert.equal(cpu.runs, false, "a save that is over lets a stalled router go on");
    assert.deepEqual(holds.reasons, ["stall"]);
    stall[Symbol.dispose]();
    await turn();
    assert.equal(cpu.runs, true);
  });

  it("count once, however often they are released", async () => {
    const cpu = new FakeCpu();
    const holds = new Holds(cpu);
    await holds.allow();
    const one = await holds.hold("one");
    await holds.hold("other");
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    await turn();
    assert.equal(cpu.runs, false);
  });

  it("keep a CPU standing that is not loaded yet", async () => {
    const cpu = new FakeCpu();
    const holds = new Holds(cpu);
    const stop = await holds.hold("stop");
    await holds.allow();
    assert.equal(cpu.runs, false);
    stop[Symbol.dispose]();
    await turn();
    assert.equal(cpu.runs, true);
  });

  it("never let a CPU run again that ended", async () => {
    const cpu = new FakeCpu();
    const holds = new Holds(cpu);
    await holds.allow();
    const hold = await holds.hold("save");
    await holds.forbid();
    hold[Symbol.dispose]();
    await turn();
    assert.equal(cpu.runs, false);
  });

  it("overlap in any order", async () => {
    const script = fc.array(fc.oneof(fc.constant("hold"), fc.nat(5), fc.constant("turn")), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const cpu = new FakeCpu();
        const holds = new Holds(cpu);
        const held: Hold[] = [];
        const taken: Promise<unknown>[] = [holds.allow()];
        for (const step of steps) {
          if (step === "hold")
            taken.push(
              holds.hold("any").then((hold) => {
                assert.equal(cpu.runs, false, "it runs though it is held");
                held.push(hold);
              }),
            );
          else if (step === "turn") await turn();
          else if (typeof step === "number") held.splice(step, 1)[0]?.[Symbol.dispose]();
        }
        await Promise.all(taken);
        await turn();
        assert.equal(cpu.runs, held.length === 0);
        for (const hold of held) hold[Symbol.dispose]();
        for (let left = 0; left < 4; left++) await turn();
        assert.equal(cpu.runs, true);
      }),
      { numRuns: 500 },
    );
  });
});
