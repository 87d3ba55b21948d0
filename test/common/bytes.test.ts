import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { concat, fromLatin1, hex, latin1, viewOf } from "../../src/common/bytes.js";

describe("Bytes", () => {
  it("are put in a row, in memory of their own", () => {
    const piece = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    const all = concat([piece, new Uint8Array(), new Uint8Array([9])]);
    piece[0] = 7;
    assert.deepEqual(all, new Uint8Array([2, 3, 9]));
    assert.equal(all.buffer.byteLength, 3);
    assert.equal(concat([]).length, 0);
  });

  it("become one character each and back, however many", () => {
    const every = Uint8Array.from({ length: 100_000 }, (_, at) => at & 255);
    assert.equal(latin1(every).length, 100_000);
    assert.deepEqual(fromLatin1(latin1(every)), every);
    assert.equal(latin1(new Uint8Array([0, 0x41, 0xff])), "\0Aÿ");
  });

  it("are read as numbers and as hexadecimal where they lie", () => {
    const bytes = new Uint8Array([0, 0, 1, 2, 255]).subarray(2);
    assert.equal(viewOf(bytes).getUint16(0), 0x0102);
    assert.equal(viewOf(bytes).byteLength, 3);
    assert.equal(hex(bytes), "0102ff");
  });
});
