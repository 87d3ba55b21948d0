import { expect } from "@esm-bundle/chai";
import { sendKeys } from "@web/test-runner-commands";
import type { OpenwrtTerminal } from "../../src/elements/openwrt-terminal.js";
import { FakeConsole, inputOf, press, ready, until } from "./fake-console.js";

/** What a page does that knows no console: it takes keys for itself unless they are typed into a field. */
let shortcuts: string[] = [];
let cancelling = false;
function shortcut(event: KeyboardEvent): void {
  const { target } = event;
  if (target instanceof HTMLElement && /^(?:INPUT|TEXTAREA)$/.test(target.tagName)) return;
  shortcuts.push(event.key);
  if (cancelling) event.preventDefault();
}
const early = { on: false, asks: false };
// Before the console's code is there, as a page's own script in its head is.
window.addEventListener(
  "keydown",
  (event) => {
    if (!early.on) return;
    if (early.asks && (event.target as HTMLElement).isContentEditable) return;
    shortcut(event);
  },
  { capture: true },
);
await import("../../src/elements/openwrt-terminal.js");

const LINE = "echo HELLO  two  spaces /?g";

describe("keys in the console", () => {
  let machine: FakeConsole;
  let terminal: OpenwrtTerminal;
  let page: AbortController;
  beforeEach(async () => {
    shortcuts = [];
    cancelling = false;
    Object.assign(early, { on: false, asks: false });
    page = new AbortController();
    machine = new FakeConsole();
    terminal = await ready(machine);
    terminal.focus();
  });
  afterEach(() => {
    page.abort();
    terminal.remove();
    machine.end();
  });

  async function types(line: string): Promise<void> {
    await sendKeys({ type: line });
    await until("the line arrives", () => machine.typed.length >= line.length);
    expect(machine.typed).to.equal(line);
  }

  for (const [where, target] of [
    ["document", document],
    ["window", window],
    ["the body", document.body],
  ] as const)
    for (const capture of [false, true])
      for (const type of ["keydown", "keypress", "keyup"] as const)
        it(`are no shortcuts of ${where}, which listens for ${type}${capture ? " first" : ""}`, async () => {
          target.addEventListener(type, shortcut as EventListener, {
            capture,
            signal: page.signal,
          });
          cancelling = true;
          await types(LINE);
          expect(shortcuts).to.deep.equal([]);
        });

  it("are shortcuts of the page elsewhere", async () => {
    document.addEventListener("keydown", shortcut, { signal: page.signal });
    (document.activeElement as HTMLElement).blur();
    await press("g");
    expect(shortcuts).to.deep.equal(["g"]);
    expect(machine.typed).to.equal("");
  });

  it("are typed even if a page cancels them before everybody", async () => {
    early.on = cancelling = true;
    await types(LINE);
  });

  it("are no shortcuts even then, for a page that asks whether its target can be edited", async () => {
    early.on = early.asks = cancelling = true;
    await types(LINE);
    expect(shortcuts).to.deep.equal([]);
    inputOf(terminal)!.blur();
    expect(terminal.isContentEditable).to.equal(false);
  });

  it("that go with others arrive: Enter, arrows, Ctrl and a letter", async () => {
    document.addEventListener("keydown", shortcut, { capture: true, signal: page.signal });
    for (const key of ["Enter", "ArrowUp", "Home", "Escape", "Backspace"]) await press(key);
    await press("Control+d");
    await until("they arrive", () => machine.typed.endsWith("\x04"));
    expect(machine.typed).to.equal("\r\x1b[A\x1b[H\x1b\x7f\x04");
    expect(shortcuts).to.deep.equal([]);
  });

  describe("that move the focus", () => {
    let before: HTMLButtonElement;
    let after: HTMLButtonElement;
    beforeEach(() => {
      before = document.createElement("button");
      after = document.createElement("button");
      before.textContent = after.textContent = "button";
      terminal.before(before);
      terminal.after(after);
    });
    afterEach(() => {
      before.remove();
      after.remove();
    });
    it("pass through a console into which nothing was typed, both ways", async () => {
      before.focus();
      await press("Tab");
      expect(terminal.isTyping).to.equal(true);
      await press("Tab");
      expect(document.activeElement).to.equal(after);
      await press("Shift+Tab");
      expect(terminal.isTyping).to.equal(true);
      await press("Shift+Tab");
      expect(document.activeElement).to.equal(before);
      expect(machine.typed).to.equal("");
    });

    it("are the router's after something was typed, until F6", async () => {
      before.focus();
      await press("Tab");
      await sendKeys({ type: "l" });
      await press("Tab");
      await press("Shift+Tab");
      await until("they arrive", () => machine.typed === "l\t\x1b[Z");
      let left = "";
      terminal.addEventListener("leave", () => (left += "leave "));
      terminal.addEventListener("leaveback", () => (left += "leaveback "));
      await press("F6");
      await press("Shift+F6");
      expect(left).to.equal("leave leaveback ");
      await press("Tab");
      expect(document.activeElement).to.equal(after);
      expect(machine.typed).to.equal("l\t\x1b[Z");
    });

    it("are the router's when the console was clicked, or given the focus by script", async () => {
      terminal.focus();
      await press("Tab");
      await until("it arrives", () => machine.typed === "\t");
    });
  });

  it("reach the router through an input method", async () => {
    const input = inputOf(terminal)!;
    // As Chromium and an input method do it: the key is 229, the text comes by composition.
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Process", keyCode: 229 }));
    input.dispatchEvent(new CompositionEvent("compositionstart"));
    for (const data of ["ぶ", "ぶん"]) {
      input.value = data;
      input.dispatchEvent(new CompositionEvent("compositionupdate", { data }));
    }
    expect(terminal.renderRoot.querySelector(".composition-view")!.textContent).to.equal("ぶん");
    input.value = "文";
    input.dispatchEvent(new CompositionEvent("compositionend", { data: "文" }));
    await until("it arrives", () => machine.typed === "文");
  });
});
