import { expect } from "@esm-bundle/chai";
import { type KeyUse, useOfKey } from "../../src/elements/terminal-keys.js";

/** "Ctrl+Shift+V" as an event has it. */
function pressed(keys: string, code = "") {
  const names = keys.split("+");
  const key = names.pop() ?? "";
  const has = (name: string) => names.includes(name);
  return {
    key: key.length === 1 && !has("Shift") ? key.toLowerCase() : key,
    code: code || (key.length === 1 ? `Key${key.toUpperCase()}` : key),
    ctrlKey: has("Ctrl"),
    shiftKey: has("Shift"),
    altKey: has("Alt"),
    metaKey: has("Meta"),
  };
}

/** use elsewhere without and with selected text, and on a Mac without and with */
const TABLE: Record<string, [KeyUse, KeyUse, KeyUse, KeyUse]> = {
  "Ctrl+C": ["router", "copy-once", "router", "router"],
  "Ctrl+Shift+C": ["copy", "copy", "router", "router"],
  "Ctrl+Insert": ["router", "copy", "router", "copy"],
  "Ctrl+V": ["paste", "paste", "router", "router"],
  "Ctrl+Shift+V": ["paste", "paste", "router", "router"],
  "Shift+Insert": ["paste", "paste", "paste", "paste"],
  "Meta+C": ["router", "router", "browser", "copy"],
  "Meta+V": ["router", "router", "paste", "paste"],
  F6: ["leave", "leave", "leave", "leave"],
  "Shift+F6": ["leave-back", "leave-back", "leave-back", "leave-back"],
  Tab: ["router", "router", "router", "router"],
  c: ["router", "router", "router", "router"],
  v: ["router", "router", "router", "router"],
  Insert: ["router", "router", "router", "router"],
  "Ctrl+Alt+V": ["router", "router", "router", "router"],
  "Ctrl+F6": ["router", "router", "router", "router"],
};

describe("use of a key", () => {
  for (const [keys, expected] of Object.entries(TABLE))
    it(`of ${keys} is as on the platform`, () => {
      const uses = [false, true].flatMap((mac) =>
        [false, true].map((selected) => useOfKey(pressed(keys), { mac, selected, passing: false })),
      );
      expect(uses).to.deep.equal(expected);
    });

  it("of Tab is the browser's while nothing was typed", () => {
    const context = { mac: false, selected: false, passing: true };
    expect(useOfKey(pressed("Tab"), context)).to.equal("browser");
    expect(useOfKey(pressed("Shift+Tab"), context)).to.equal("browser");
    expect(useOfKey(pressed("Ctrl+Tab"), context)).to.equal("router");
  });

  it("goes by the Latin letter of a key on other alphabets, and by the letter itself on Latin ones", () => {
    const context = { mac: false, selected: true, passing: false };
    expect(useOfKey(pressed("Ctrl+с", "KeyC"), context), "Cyrillic").to.equal("copy-once");
    expect(useOfKey(pressed("Ctrl+j", "KeyC"), context), "Dvorak's J").to.equal("router");
    expect(useOfKey(pressed("Ctrl+c", "KeyI"), context), "Dvorak's C").to.equal("copy-once");
    expect(useOfKey(pressed("Ctrl+C", "KeyC"), context), "caps lock").to.equal("copy-once");
  });
});
