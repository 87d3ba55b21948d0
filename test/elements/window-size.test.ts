import { expect } from "@esm-bundle/chai";
import { WindowSize } from "../../src/elements/window-size.js";
import type { ExecResult } from "../../src/machine/exec.js";
import { FakeConsole } from "./fake-console.js";
import { ManualClock } from "./manual-clock.js";

describe("size of the window", () => {
  let clock: ManualClock;
  let machine: FakeConsole;
  let size: WindowSize;
  beforeEach(() => {
    clock = new ManualClock();
    machine = new FakeConsole();
    size = new WindowSize(clock);
  });
  const tell = (cols: number, rows = 24) => size.tell(() => ({ cols, rows }), machine);

  it("is told once it is quiet, and once", () => {
    for (const cols of [80, 90, 100]) tell(cols);
    clock.pass(1000);
    tell(100);
    clock.pass(1000);
    expect(machine.commands).to.deep.equal(["stty -F /dev/ttyS0 cols 100 rows 24 2>/dev/null"]);
    tell(100, 25);
    clock.pass(1000);
    expect(machine.commands).to.have.length(2);
  });

  it("is told again to a router that started again", () => {
    tell(100);
    clock.pass(1000);
    size.forget();
    tell(100);
    clock.pass(1000);
    expect(machine.commands).to.have.length(2);
  });

  it("is told only to a router that runs, and only when there is one", () => {
    machine.state = "booting";
    tell(100);
    clock.pass(1000);
    machine.state = "running";
    size.tell(() => undefined, machine);
    clock.pass(1000);
    expect(machine.commands).to.deep.equal([]);
  });

  it("is not told any more to a router that has no program for it, until it starts again", async () => {
    const missing: ExecResult = { stdout: "", stderr: "", exitCode: 127 };
    const answer = machine.exec.bind(machine);
    machine.exec = (command) => answer(command).then(() => missing);
    tell(100);
    clock.pass(1000);
    await new Promise((resolve) => setTimeout(resolve));
    tell(101);
    clock.pass(1000);
    expect(machine.commands).to.have.length(1);
    size.forget();
    tell(101);
    clock.pass(1000);
    expect(machine.commands).to.have.length(2);
  });
});
