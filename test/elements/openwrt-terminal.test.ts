import { expect } from "@esm-bundle/chai";
import { sendKeys } from "@web/test-runner-commands";
import "../../src/elements/openwrt-terminal.js";
import type { OpenwrtTerminal } from "../../src/elements/openwrt-terminal.js";
import { MAX_LAG_BYTES } from "../../src/machine/console-streams.js";
import { FakeConsole, mount, opened, ready, until } from "./fake-console.js";

describe("terminal", () => {
  let machine: FakeConsole;
  let page: HTMLElement;
  beforeEach(() => {
    machine = new FakeConsole();
    page = document.createElement("main");
    document.body.append(page);
  });
  afterEach(() => {
    page.remove();
    machine.end();
  });

  const shows = (terminal: OpenwrtTerminal, text: string) =>
    until(`the terminal shows “${text}”`, () => terminal.text().includes(text));

  async function types(terminal: OpenwrtTerminal, text: string): Promise<void> {
    machine.typed = "";
    terminal.focus();
    await sendKeys({ type: text });
    await until(`“${text}” arrives`, () => machine.typed === text);
  }

  it("shows what the router prints, from the moment it has a machine on", async () => {
    const terminal = mount(machine, page);
    await terminal.updateComplete;
    machine.print("größer 文件\r\n");
    await shows(terminal, "größer 文件");
    await types(terminal, "Ls -l");
  });

  it("keeps its lines and goes on when it is moved", async () => {
    const terminal = await ready(machine, page);
    machine.print("old line\r\n");
    await shows(terminal, "old line");
    const elsewhere = document.createElement("section");
    page.append(elsewhere);
    elsewhere.append(terminal);
    machine.print("new line\r\n");
    await shows(terminal, "new line");
    expect(terminal.text()).to.contain("old line");
    await types(terminal, "moved");
  });

  it("keeps its lines, and those it missed, when it comes back later", async () => {
    const terminal = await ready(machine, page);
    machine.print("old line\r\n");
    await shows(terminal, "old line");
    terminal.remove();
    await new Promise((resolve) => setTimeout(resolve, 50));
    machine.print("meanwhile\r\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
    page.append(terminal);
    await shows(terminal, "meanwhile");
    expect(terminal.text()).to.contain("old line");
    await types(terminal, "back");
  });

  it("keeps its lines, its focus and its selection when it is moved as it is", async function () {
    if (!("moveBefore" in page)) this.skip();
    const terminal = await ready(machine, page);
    machine.print("old line\r\n");
    await shows(terminal, "old line");
    terminal.focus();
    const elsewhere = document.createElement("section");
    page.append(elsewhere);
    (elsewhere as unknown as { moveBefore(node: Node, before: null): void }).moveBefore(
      terminal,
      null,
    );
    expect(terminal.isTyping).to.equal(true);
    await types(terminal, "moved");
    expect(terminal.text()).to.contain("old line");
  });

  it("can be made by script, in any order", async () => {
    const terminal = document.createElement("openwrt-terminal");
    Object.assign(terminal.style, { width: "800px", height: "400px" });
    page.append(terminal);
    await terminal.updateComplete;
    terminal.machine = machine;
    await terminal.updateComplete;
    machine.print("late machine\r\n");
    await shows(terminal, "late machine");
  });

  it("shows nothing of the router before when it gets another one", async () => {
    const terminal = await ready(machine, page);
    machine.print("of the first\r\n");
    await shows(terminal, "of the first");
    const second = new FakeConsole();
    terminal.machine = second;
    await terminal.updateComplete;
    second.print("of the second\r\n");
    machine.print("late words of the first\r\n");
    await shows(terminal, "of the second");
    expect(terminal.text()).to.not.contain("first");
    terminal.focus();
    await sendKeys({ type: "x" });
    await until("it arrives", () => second.typed === "x");
    expect(machine.typed).to.equal("");
    second.end();
  });

  it("survives more output than it can draw, says what is missing, and answers at once", async () => {
    const terminal = await ready(machine, page);
    const line = `${"x".repeat(78)}\r\n`;
    for (let bytes = 0; bytes < 16 * MAX_LAG_BYTES; bytes += line.length * 100)
      machine.print(line.repeat(100));
    machine.print("and back\r\n");
    await shows(terminal, "and back");
    expect(/\[… [\d,]+ bytes of output left out …\]/.exec(terminal.text())).to.not.equal(null);
    await types(terminal, "echo back");
  });

  it("gives up what it holds when its console has ended and it is out of the page", async () => {
    const terminal = await ready(machine, page);
    machine.print("last words\r\n");
    await shows(terminal, "last words");
    machine.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(terminal.text()).to.contain("last words", "as long as it can be read");
    terminal.remove();
    await until("it has no terminal any more", () => opened(terminal) === null);
  });

  it("gives up what it holds when its console ends after it left the page", async () => {
    const terminal = await ready(machine, page);
    terminal.remove();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(opened(terminal)).to.not.equal(null);
    machine.end();
    await until("it has no terminal any more", () => opened(terminal) === null);
  });

  describe("size", () => {
    const size = () => /cols (\d+) rows (\d+)/.exec(machine.commands.at(-1) ?? "");
    const told = () => until("the router knows the size", () => size() !== null);
    const HIDDEN: Record<
      string,
      [hide: (box: HTMLElement) => void, show: (box: HTMLElement) => void]
    > = {
      "display: none": [(box) => (box.hidden = true), (box) => (box.hidden = false)],
      "no height": [
        (box) => box.setAttribute("style", "height: 0; overflow: hidden"),
        (box) => box.removeAttribute("style"),
      ],
      "content-visibility: hidden": [
        (box) => box.style.setProperty("content-visibility", "hidden"),
        (box) => box.style.removeProperty("content-visibility"),
      ],
    };

    for (const [how, [hide, show]] of Object.entries(HIDDEN))
      it(`is the box's when it was hidden at first (${how})`, async () => {
        const box = document.createElement("div");
        hide(box);
        page.append(box);
        const terminal = mount(machine, box);
        if (how === "no height") terminal.style.height = "100%";
        await terminal.updateComplete;
        machine.print("printed unseen\r\n");
        await new Promise((resolve) => setTimeout(resolve, 500));
        expect(machine.commands, "no size is told before there is one").to.deep.equal([]);
        show(box);
        terminal.style.height = "400px";
        await told();
        const [, columns, rows] = size()!;
        expect(Number(columns)).to.be.within(85, 110);
        expect(Number(rows)).to.be.within(20, 32);
        await shows(terminal, "printed unseen");
      });

    it("is the box's in closed details that are opened", async () => {
      const details = document.createElement("details");
      page.append(details);
      const terminal = mount(machine, details);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(machine.commands).to.deep.equal([]);
      details.open = true;
      await told();
      expect(Number(size()![1])).to.be.within(85, 110);
      expect(opened(terminal)!.getBoundingClientRect().height).to.be.closeTo(400, 1);
    });

    it("follows the box, and stays as it was while that is hidden", async () => {
      const terminal = await ready(machine, page);
      await told();
      machine.commands.length = 0;
      page.hidden = true;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(machine.commands).to.deep.equal([]);
      page.hidden = false;
      terminal.style.width = "300px";
      await told();
      expect(Number(size()![1])).to.be.within(25, 45);
    });
  });
});
