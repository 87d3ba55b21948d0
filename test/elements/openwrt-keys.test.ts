import { expect } from "@esm-bundle/chai";
import { sendKeys, sendMouse, setViewport } from "@web/test-runner-commands";
import "../../src/elements/openwrt-terminal.js";
import { withControl } from "../../src/elements/openwrt-keys.js";
import type { OpenwrtTerminal } from "../../src/elements/openwrt-terminal.js";
import { FakeConsole, ready, until } from "./fake-console.js";

describe("row of keys", () => {
  let machine: FakeConsole;
  let terminal: OpenwrtTerminal;
  beforeEach(async () => {
    machine = new FakeConsole();
    terminal = await ready(machine);
  });
  afterEach(async () => {
    terminal.remove();
    machine.end();
    await setViewport({ width: 800, height: 600 });
  });

  const row = () => terminal.renderRoot.querySelector("openwrt-keys")!;
  const key = (name: string) =>
    [...row().renderRoot.querySelectorAll("button")].find(
      (button) => (button.ariaLabel ?? button.textContent.trim()) === name,
    )!;
  async function click(name: string): Promise<void> {
    const { left, top, width, height } = key(name).getBoundingClientRect();
    const position: [number, number] = [Math.round(left + width / 2), Math.round(top + height / 2)];
    await sendMouse({ type: "click", position });
  }

  it("is there where it is narrow, and only there", async () => {
    expect(row().checkVisibility()).to.equal(false);
    terminal.style.width = "360px";
    await until("it is seen", () => row().checkVisibility());
    const tall = [...row().renderRoot.querySelectorAll("button")].map(
      (button) => button.clientHeight,
    );
    expect(Math.min(...tall)).to.be.at.least(36);
    expect(row().scrollWidth).to.be.at.most(360);
  });

  it("types, and leaves the focus where it is", async () => {
    terminal.style.width = "360px";
    await until("it is seen", () => row().checkVisibility());
    terminal.focus();
    for (const name of ["Esc", "Tab", "Up", "Down", "Right", "Left"]) await click(name);
    await until("they arrive", () => machine.typed === "\x1b\t\x1b[A\x1b[B\x1b[C\x1b[D");
    expect(terminal.isTyping).to.equal(true);
    expect(terminal.takeTyped()).to.equal(true);
  });

  it("holds Ctrl for the next key, of the keyboard or of the row", async () => {
    terminal.style.width = "360px";
    await until("it is seen", () => row().checkVisibility());
    terminal.focus();
    await click("Ctrl, for the next key");
    await row().updateComplete;
    expect(key("Ctrl, for the next key").ariaPressed).to.equal("true");
    await sendKeys({ type: "cc" });
    await until("they arrive", () => machine.typed === "\x03c");
    await click("Ctrl, for the next key");
    await click("Left");
    await until("it arrives", () => machine.typed === "\x03c\x1b[1;5D");
    await click("Ctrl, for the next key");
    await click("Ctrl, for the next key");
    await sendKeys({ type: "d" });
    await until("it arrives", () => machine.typed.endsWith("Dd"));
  });

  it("sends arrows as the program wants them", async () => {
    terminal.style.width = "360px";
    await until("it is seen", () => row().checkVisibility());
    machine.print("\x1b[?1hvi");
    await until("it prints", () => terminal.text().includes("vi"));
    await click("Up");
    await until("it arrives", () => machine.typed === "\x1bOA");
  });

  it("makes control characters as terminals do", () => {
    expect(Array.from("c@[\\]^_ ?ä1").map(withControl)).to.deep.equal([
      "\x03",
      "\0",
      "\x1b",
      "\x1c",
      "\x1d",
      "\x1e",
      "\x1f",
      "\0",
      "\x7f",
      "ä",
      "1",
    ]);
  });
});
