import { expect } from "@esm-bundle/chai";
import { emulateMedia } from "@web/test-runner-commands";
import "../../src/elements/openwrt-terminal.js";
import type { OpenwrtTerminal } from "../../src/elements/openwrt-terminal.js";
import { FakeConsole, opened, ready, until } from "./fake-console.js";

describe("the console's look", () => {
  let machine: FakeConsole;
  let style: HTMLStyleElement;
  beforeEach(() => {
    machine = new FakeConsole();
    style = document.createElement("style");
    document.head.append(style);
  });
  afterEach(async () => {
    for (const terminal of document.querySelectorAll("openwrt-terminal")) terminal.remove();
    style.remove();
    document.documentElement.removeAttribute("style");
    machine.end();
    await emulateMedia({ colorScheme: "light" });
  });

  const background = (terminal: OpenwrtTerminal) =>
    getComputedStyle(opened(terminal)!.querySelector(".xterm-scrollable-element")!).backgroundColor;
  const LIGHT = "rgb(251, 252, 254)";
  const DARK = "rgb(16, 21, 28)";
  const turns = (terminal: OpenwrtTerminal, colour: string) =>
    until(`it is ${colour}`, () => background(terminal) === colour);

  it("is that of the page, which may say nothing, follow the system, or be of one kind", async () => {
    await emulateMedia({ colorScheme: "dark" });
    const terminal = await ready(machine);
    await turns(terminal, LIGHT);
    document.documentElement.style.colorScheme = "light dark";
    await turns(terminal, DARK);
    await emulateMedia({ colorScheme: "light" });
    await turns(terminal, LIGHT);
    document.documentElement.style.colorScheme = "dark";
    await turns(terminal, DARK);
  });

  it("is what the attribute says, whatever the page is", async () => {
    document.documentElement.style.colorScheme = "light";
    const terminal = await ready(machine);
    terminal.setAttribute("theme", "dark");
    await turns(terminal, DARK);
    terminal.setAttribute("theme", "auto");
    await turns(terminal, LIGHT);
  });

  it("is what custom properties say, also in other colour spaces, and changed while it runs", async () => {
    const terminal = await ready(machine);
    style.textContent = `openwrt-terminal { --playground-terminal-background: oklch(0 0 0);
      --playground-terminal-text: color(srgb 0 1 0); --playground-terminal-font-size: 26px }`;
    await turns(terminal, "rgb(0, 0, 0)");
    machine.print("green\r\n");
    await until("it prints", () => terminal.text().includes("green"));
    const rows = opened(terminal)!.querySelector(".xterm-rows")!;
    await until("it has the colour and the size", () => {
      const { color, fontSize } = getComputedStyle(rows);
      return color === "rgb(0, 255, 0)" && fontSize === "26px";
    });
    await until("the size of the window follows", () =>
      /cols (?:4|5)\d /.test(machine.commands.at(-1) ?? ""),
    );
  });

  it("is right after it changed while nothing was seen", async () => {
    const terminal = await ready(machine);
    await turns(terminal, LIGHT);
    terminal.hidden = true;
    terminal.setAttribute("theme", "dark");
    await new Promise((resolve) => setTimeout(resolve, 100));
    terminal.hidden = false;
    await turns(terminal, DARK);
  });

  it("has nothing of the page's text styles, and selects what is under the mouse", async () => {
    const plain = await ready(machine);
    machine.print("plain text: Ab  c\r\n");
    await until("it prints", () => plain.text().includes("plain"));
    const shape = (terminal: OpenwrtTerminal) => {
      const rows = opened(terminal)!.querySelector(".xterm-rows")!;
      const line = [...rows.children].find((row) => row.textContent.includes("plain"));
      if (!line) return { width: 0 };
      const range = document.createRange();
      range.selectNodeContents(line);
      const { left, width, height } = range.getBoundingClientRect();
      const host = terminal.getBoundingClientRect();
      const css = getComputedStyle(line.firstElementChild ?? line);
      return {
        ...{ left: left - host.left, width, height, text: (line as HTMLElement).innerText },
        ...{ transform: css.textTransform, spacing: css.wordSpacing, direction: css.direction },
        ...{ shadow: css.textShadow, style: css.fontStyle, variant: css.fontVariant },
      };
    };
    await until("it is drawn", () => shape(plain).width > 0);
    const expected = shape(plain);
    plain.remove();

    document.documentElement.dir = "rtl";
    style.textContent = `html { font-size: 6px } body { letter-spacing: 6px; word-spacing: 9px;
      text-transform: uppercase; text-indent: 40px; text-align: center; line-height: 3; font: italic small-caps bold 40px serif;
      white-space: normal; text-shadow: 2px 2px red; font-feature-settings: "smcp"; writing-mode: horizontal-tb;
      tab-size: 1; hyphens: auto; font-stretch: condensed; line-break: anywhere; -webkit-text-stroke: 1px red }`;
    const other = new FakeConsole();
    const styled = await ready(other);
    other.print("plain text: Ab  c\r\n");
    await until("it prints", () => styled.text().includes("plain"));
    await until("it is drawn", () => shape(styled).width > 0);
    expect(shape(styled)).to.deep.equal(expected);
    document.documentElement.removeAttribute("dir");
    other.end();
  });

  it("is not seen where the page makes it invisible", async () => {
    const terminal = await ready(machine);
    terminal.style.visibility = "hidden";
    expect(getComputedStyle(opened(terminal)!).visibility).to.equal("hidden");
  });
});
