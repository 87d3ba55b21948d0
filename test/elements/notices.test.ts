import { expect } from "@esm-bundle/chai";
import { noticeFor, type NoticeChoices, type NoticeMachine } from "../../src/elements/notices.js";
import { MachineError, StorageError, type StorageProblem } from "../../src/machine/errors.js";
import type { MachineState } from "../../src/machine/events.js";

/** heading and labels of each, where the router could not start or went off because of it */
const EXPECTED: Record<StorageProblem, [heading: string, ...labels: string[]]> = {
  unavailable: ["The router stopped", "Try again", "Run a copy without saving"],
  full: ["The router stopped", "Try again", "Run a copy without saving", "Reset…"],
  gone: ["The router stopped", "Try again", "Reset…"],
  lost: ["What was saved is lost", "Try again"],
  newer: ["The router stopped", "Try again"],
  mismatch: ["The router stopped", "Try again"],
  damaged: ["The router stopped", "Try again", "Reset…"],
  "in-use": ["This router runs elsewhere", "Take over", "Run a copy without saving", "Try again"],
  missing: ["The router stopped", "Try again"],
  taken: ["The router stopped", "Try again"],
  "unsaved-elsewhere": ["This router runs elsewhere", "Take over", "Run a copy without saving"],
  "taken-over": ["This router runs in another tab now", "Take it back"],
  failed: ["The router stopped", "Try again", "Run a copy without saving", "Reset…"],
};

describe("notice", () => {
  let asked: string[];
  const choices = new Proxy({} as NoticeChoices, {
    get: (_, name) => () => asked.push(String(name)),
  });
  beforeEach(() => (asked = []));

  function machine(state: MachineState, also: Partial<NoticeMachine> = {}): NoticeMachine {
    return {
      ...{ state, error: undefined, stall: undefined, holder: undefined },
      retry: () => asked.push("machine.retry"),
      detach: () => asked.push("machine.detach"),
      ...also,
    };
  }
  const shown = (given: NoticeMachine) => {
    const notice = noticeFor(given, undefined, choices)!;
    return [notice.heading ?? "", ...notice.actions.map(({ label }) => label)];
  };

  for (const [problem, expected] of Object.entries(EXPECTED))
    it(`of the problem “${problem}” says what it is, whether the router failed or went off by it`, () => {
      const error = new StorageError(problem as StorageProblem);
      expect(shown(machine("failed", { error }))).to.deep.equal(expected);
      expect(shown(machine("off", { error }))).to.deep.equal(expected);
      const { text } = noticeFor(machine("off", { error }), undefined, choices)!;
      expect(text.startsWith(error.message)).to.equal(true);
    });

  it("of a router that was switched off offers to start it", () => {
    expect(shown(machine("off"))).to.deep.equal(["", "Start", "Start in failsafe"]);
  });

  it("of a panic has the console's last lines", () => {
    const error = new MachineError("It panicked.", ["Kernel panic"]);
    const notice = noticeFor(machine("failed", { error }), undefined, choices)!;
    expect(notice.details).to.deep.equal(["Kernel panic"]);
    expect(notice.actions.map(({ label }) => label)).to.deep.equal([
      ...["Try again", "Start in failsafe", "Reset…"],
    ]);
  });

  it("of a stall comes before everything else", () => {
    const stall = new StorageError("full");
    const notice = noticeFor(machine("running", { stall }), undefined, choices)!;
    for (const { run } of notice.actions) run();
    expect(asked).to.deep.equal(["machine.retry", "saveCopy", "machine.detach"]);
  });

  it("is not there while a router works", () => {
    for (const state of ["loading", "booting", "running"] as const)
      expect(noticeFor(machine(state), undefined, choices)).to.equal(undefined);
  });

  it("does what it offers", () => {
    const run = (problem: StorageProblem) => {
      asked = [];
      const error = new StorageError(problem);
      for (const action of noticeFor(machine("failed", { error }), undefined, choices)!.actions)
        action.run();
      return asked;
    };
    expect(run("in-use")).to.deep.equal(["takeOver", "startWithoutSaving", "start"]);
    expect(run("taken-over")).to.deep.equal(["takeOver"]);
    expect(run("damaged")).to.deep.equal(["start", "reset"]);
  });
});
