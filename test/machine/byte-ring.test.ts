import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteRing } from "../../src/machine/byte-ring.js";

describe("ring of bytes", () => {
  it("holds what an array that forgets its beginning holds, whatever is done to it", () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const step = fc.oneof(
      bytes.map((pushed) => ({ pushed })),
      fc.nat(20).map((taken) => ({ taken })),
      fc.nat(20).map((dropped) => ({ dropped })),
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), run));

    function run(steps: object[], capacity: number): void {
      const ring = new ByteRing(capacity);
      let model: number[] = [];
      for (const done of steps as { pushed?: Uint8Array; taken?: number; dropped?: number }[]) {
        if (done.pushed) {
          const all = [...model, ...done.pushed];
          model = all.slice(-capacity);
          assert.equal(ring.push(done.pushed), all.length - model.length);
        } else if (done.taken !== undefined) {
          assert.deepEqual([...ring.take(done.taken)], model.splice(0, done.taken));
        } else {
          ring.drop(done.dropped!);
          model.splice(0, done.dropped);
        }
        assert.equal(ring.length, model.length);
        assert.deepEqual(
          Array.from({ length: capacity + 1 }, (_, index) => ring.at(index)),
          Array.from({ length: capacity + 1 }, (_, index) => model[index]),
        );
      }
    }
  });
});
