import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ErrorKind, failureCodec } from "../../src/common/failure.js";
import { NetworkError } from "../../src/network/errors.js";
import { NETWORK_ERROR } from "../../src/network/failure.js";

class DetailError extends Error {
  override readonly name = "DetailError";
  constructor(
    message: string,
    readonly details: readonly string[],
  ) {
    super(message);
  }
}

const DETAIL_ERROR: ErrorKind<DetailError> = {
  name: "DetailError",
  type: DetailError,
  pack: ({ details }) => details,
  unpack: (data, message) =>
    Array.isArray(data) && data.every((line): line is string => typeof line === "string")
      ? new DetailError(message, data)
      : undefined,
};

const codec = failureCodec(NETWORK_ERROR, DETAIL_ERROR);
const across = (error: unknown) => codec.decode(structuredClone(codec.encode(error)));

describe("An error that crosses", () => {
  it("is of the same class, with all it says", () => {
    const network = across(new NetworkError("refused", "port 81"));
    assert(network instanceof NetworkError);
    assert.deepEqual([network.problem, network.detail], ["refused", "port 81"]);
    assert.match(network.message, /Nothing listens.*\(port 81\)/);
    const detail = across(new DetailError("sentence", ["a", "b"]));
    assert(detail instanceof DetailError);
    assert.deepEqual([detail.message, detail.details], ["sentence", ["a", "b"]]);
  });

  it("is what every context has, without being told of it", () => {
    for (const name of ["AbortError", "TimeoutError"]) {
      const error = across(new DOMException("text", name));
      assert(error instanceof DOMException);
      assert.deepEqual([error.name, error.message], [name, "text"]);
    }
    for (const type of [TypeError, RangeError]) {
      const error = across(new type("text"));
      assert(error instanceof type);
      assert.equal(error.message, "text");
    }
  });

  it("keeps its name and message, when its class is not known", () => {
    const other = across(new DOMException("text", "DataCloneError"));
    assert.deepEqual([other.name, other.message], ["DataCloneError", "text"]);
    const unknown = failureCodec().decode(codec.encode(new NetworkError("off")));
    assert.deepEqual([unknown.constructor, unknown.name], [Error, "NetworkError"]);
    assert.equal(across(new Error("text")).name, "Error");
  });

  it("is an AbortError, when somebody gave up without one", () => {
    for (const [reason, message] of [
      [undefined, "It was given up."],
      ["tired", "tired"],
      [{ not: "an error" }, "It was given up."],
    ] as const) {
      const error = across(reason);
      assert.deepEqual([error.name, error.message], ["AbortError", message]);
    }
  });

  it("is made of whatever claims to be one, and nothing is thrown", () => {
    const forged = fc.oneof(
      fc.anything(),
      fc.record({
        name: fc.oneof(
          fc.constantFrom("NetworkError", "DetailError", "TypeError", "__proto__", "toString"),
          fc.anything(),
        ),
        message: fc.anything(),
        data: fc.oneof(
          fc.anything(),
          fc.record({ problem: fc.anything(), detail: fc.anything() }),
          fc.record({ problem: fc.constantFrom("constructor", "off"), detail: fc.anything() }),
        ),
      }),
    );
    fc.assert(
      fc.property(forged, (failure) => {
        const error = codec.decode(failure);
        assert(error instanceof Error);
        assert.equal(typeof error.message, "string");
        if (error instanceof NetworkError) assert.equal(typeof error.detail, "string");
      }),
      { numRuns: 2000 },
    );
  });
});
