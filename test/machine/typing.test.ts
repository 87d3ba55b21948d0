import { expect } from "chai";
import { describe, it } from "node:test";
import { isTyping } from "../../src/machine/typing.js";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("what comes from a person for a console", () => {
  for (const text of ["a", "\rls", "\x03", "\x1b", "\x1b[A", "\x1bOA", "\x1b[5~", " ", "é"])
    it(`is ${JSON.stringify(text)}`, () => void expect(isTyping(bytes(text))).to.equal(true));

  for (const text of ["", "\r", "\r\r\n", "\x1b[24;80R", "\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[I"])
    it(`is not ${JSON.stringify(text)}`, () => void expect(isTyping(bytes(text))).to.equal(false));

  it("is anything long, whatever it is", () => {
    expect(isTyping(bytes("\r".repeat(1_000_000)))).to.equal(true);
  });
});
