import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { QueueFullError, Semaphore } from "../../src/common/limit.js";
import { quiet } from "./turns.js";

/** Asks for permits and notes who got one. */
function asking(semaphore: Semaphore) {
  const got: string[] = [];
  const ask = async (name: string, signal?: AbortSignal) => {
    const release = await semaphore.acquire(signal);
    got.push(name);
    return release;
  };
  return { got, ask };
}

describe("A semaphore", () => {
  it("gives so many permits, and the others in the order in which they asked", async () => {
    const { got, ask } = asking(new Semaphore(2));
    const [a, , c] = [ask("a"), ask("b"), ask("c"), ask("d")];
    await quiet();
    assert.deepEqual(got, ["a", "b"]);
    (await a)();
    await quiet();
    assert.deepEqual(got, ["a", "b", "c"]);
    (await c)();
    await quiet();
    assert.deepEqual(got, ["a", "b", "c", "d"]);
  });

  it("takes a permit back once", async () => {
    const semaphore = new Semaphore(1);
    const { got, ask } = asking(semaphore);
    const release = await semaphore.acquire();
    release();
    release();
    await ask("a");
    void ask("b");
    await quiet();
    assert.deepEqual(got, ["a"]);
  });

  it("lets those who wait give up, and serves the others", async () => {
    const { got, ask } = asking(new Semaphore(1));
    const stop = new AbortController();
    const first = await ask("a");
    const second = ask("b", stop.signal);
    void ask("c");
    stop.abort(new Error("enough"));
    await assert.rejects(second, { message: "enough" });
    await assert.rejects(ask("d", stop.signal), { message: "enough" });
    first();
    await quiet();
    assert.deepEqual(got, ["a", "c"]);
  });

  it("loses no permit that comes in the moment somebody gives up", async () => {
    for (const givenFirst of [true, false]) {
      const { got, ask } = asking(new Semaphore(1));
      const stop = new AbortController();
      const first = await ask("a");
      const second = ask("b", stop.signal);
      if (givenFirst) first();
      stop.abort(new Error("enough"));
      if (!givenFirst) first();
      const outcome = await second.then(
        (release) => release(),
        () => undefined,
      );
      assert.equal(outcome, undefined);
      await ask("c");
      assert.equal(got.at(-1), "c");
    }
  });

  it("lets no more wait than may", async () => {
    const semaphore = new Semaphore(1, 1);
    const release = await semaphore.acquire();
    const waiting = semaphore.acquire();
    await assert.rejects(semaphore.acquire(), QueueFullError);
    release();
    (await waiting)();
    await semaphore.acquire();
  });
});
