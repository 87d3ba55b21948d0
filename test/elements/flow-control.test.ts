import { expect } from "@esm-bundle/chai";
import { FlowControl } from "../../src/elements/flow-control.js";
import { ManualClock } from "./manual-clock.js";

describe("flow control", () => {
  let clock: ManualClock;
  let flow: FlowControl;
  let changes: boolean[];
  beforeEach(() => {
    clock = new ManualClock();
    changes = [];
    flow = new FlowControl(clock, () => changes.push(flow.stopped));
  });

  it("says that the output is stopped when it stays away after Ctrl+S, until Ctrl+Q", () => {
    flow.typed("\x13");
    expect(flow.stopped).to.equal(false);
    clock.pass(1000);
    expect(flow.stopped).to.equal(true);
    flow.typed("\x11");
    expect(changes).to.deep.equal([true, false]);
  });

  it("takes no notice of output that was on its way", () => {
    flow.typed("\x13");
    clock.pass(50);
    flow.output();
    clock.pass(1000);
    expect(flow.stopped).to.equal(true);
  });

  it("says nothing when a program goes on, whatever it took Ctrl+S for", () => {
    flow.typed("\x13");
    for (let spent = 0; spent < 3000; spent += 100) {
      clock.pass(100);
      flow.output();
    }
    expect(changes).to.deep.equal([]);
  });

  it("says it again when what is typed brings nothing, though the kernel printed something", () => {
    flow.typed("\x13");
    clock.pass(1000);
    flow.output();
    expect(flow.stopped).to.equal(false);
    flow.typed("l");
    clock.pass(1000);
    expect(changes).to.deep.equal([true, false, true]);
  });

  for (const [key, name] of [
    ["\x03", "Ctrl+C"],
    ["\x1c", "Ctrl+\\"],
    ["\x1a", "Ctrl+Z"],
  ] as const)
    it(`knows that ${name} goes on as well`, () => {
      flow.typed("\x13");
      clock.pass(1000);
      flow.typed(key);
      clock.pass(1000);
      expect(flow.stopped).to.equal(false);
    });

  it("goes by the last of several keys that are typed at once", () => {
    flow.typed("\x13\x11");
    clock.pass(1000);
    expect(flow.stopped).to.equal(false);
    flow.typed("\x11\x13");
    clock.pass(1000);
    expect(flow.stopped).to.equal(true);
  });

  it("forgets it when the router starts again", () => {
    flow.typed("\x13");
    flow.reset();
    clock.pass(1000);
    flow.typed("x");
    clock.pass(1000);
    expect(changes).to.deep.equal([]);
  });
});
