/** What the page has to say over the console, and what the person can do about it: one decision, no drawing. */
import { MachineError, StorageError, type StorageProblem } from "../machine/errors.js";
import { OverlayBusyError } from "../overlay/errors.js";
import type { Machine } from "../machine/machine.js";
import { holderText, TEXT } from "./strings.js";

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

export interface Notice {
  readonly heading?: string;
  readonly text: string;
  /** lines that help to find the cause */
  readonly details?: readonly string[];
  /** the first one is the recommended one */
  readonly actions: readonly NoticeAction[];
  /** whether a screen reader should say it at once */
  readonly urgent: boolean;
}

/** What the element itself does when asked to. */
export interface NoticeChoices {
  start(): void;
  failsafe(): void;
  takeOver(): void;
  startWithoutSaving(): void;
  reset(): void;
  saveCopy(): void;
}

/** What can be done about a problem, the recommended thing first; it is the same whether it kept the router from starting or ended it. */
type Choice = "retry" | "failsafe" | "takeOver" | "takeBack" | "startWithoutSaving" | "reset";

const STORAGE_NOTICES: Record<StorageProblem, { heading: string; choices: readonly Choice[] }> = {
  unavailable: { heading: TEXT.failTitle, choices: ["retry", "startWithoutSaving"] },
  full: { heading: TEXT.failTitle, choices: ["retry", "startWithoutSaving", "reset"] },
  gone: { heading: TEXT.failTitle, choices: ["retry", "reset"] },
  lost: { heading: TEXT.lostTitle, choices: ["retry"] },
  newer: { heading: TEXT.failTitle, choices: ["retry"] },
  mismatch: { heading: TEXT.failTitle, choices: ["retry"] },
  damaged: { heading: TEXT.failTitle, choices: ["retry", "reset"] },
  "in-use": { heading: TEXT.inUseTitle, choices: ["takeOver", "startWithoutSaving", "retry"] },
  missing: { heading: TEXT.failTitle, choices: ["retry"] },
  taken: { heading: TEXT.failTitle, choices: ["retry"] },
  "unsaved-elsewhere": {
    heading: TEXT.inUseTitle,
    choices: ["takeOver", "startWithoutSaving"],
  },
  "taken-over": { heading: TEXT.takenOverTitle, choices: ["takeBack"] },
  failed: { heading: TEXT.failTitle, choices: ["retry", "startWithoutSaving", "reset"] },
};

/** What a notice is about; {@link Machine} has it. */
export type NoticeMachine = Pick<
  Machine,
  "state" | "error" | "stall" | "holder" | "retry" | "detach"
>;

/**
 * @param machine the element's machine; `undefined` when its attributes name none
 * @param problem why there is no machine
 */
export function noticeFor(
  machine: NoticeMachine | undefined,
  problem: Error | undefined,
  choices: NoticeChoices,
): Notice | undefined {
  if (!machine)
    return { heading: TEXT.failTitle, text: problem?.message ?? "", actions: [], urgent: true };
  if (machine.stall) return stalled(machine, machine.stall, choices);
  switch (machine.state) {
    case "failed":
      return ended(machine, machine.error, choices);
    case "off":
      // With an error it went off by itself; without, somebody switched it off.
      return machine.error ? ended(machine, machine.error, choices) : off(choices);
    case "loading":
    case "booting":
    case "running":
      return undefined;
  }
}

function off(choices: NoticeChoices): Notice {
  return {
    text: TEXT.offHint,
    actions: [action("start", choices), action("failsafe", choices)],
    urgent: false,
  };
}

function stalled(machine: NoticeMachine, stall: StorageError, choices: NoticeChoices): Notice {
  return {
    heading: TEXT.stallTitle,
    text: stall.message,
    actions: [
      { label: TEXT.retry, run: () => machine.retry() },
      { label: TEXT.saveCopy, run: () => choices.saveCopy() },
      { label: TEXT.detach, run: () => machine.detach() },
    ],
    urgent: true,
  };
}

function ended(machine: NoticeMachine, error: Error | undefined, choices: NoticeChoices): Notice {
  const known = error instanceof StorageError ? STORAGE_NOTICES[error.problem] : undefined;
  const inUse = error instanceof OverlayBusyError;
  const text = error?.message ?? "";
  return {
    heading: known?.heading ?? TEXT.failTitle,
    text: inUse ? `${text} ${holderText(machine.holder)}` : text,
    details: error instanceof MachineError ? error.details : [],
    actions: (known?.choices ?? ["retry", "failsafe", "reset"]).map((choice) =>
      action(choice, choices),
    ),
    urgent: true,
  };
}

function action(choice: Choice | "start", choices: NoticeChoices): NoticeAction {
  switch (choice) {
    case "start":
      return { label: TEXT.start, run: () => choices.start() };
    case "failsafe":
      return { label: TEXT.failsafe, run: () => choices.failsafe() };
    case "retry":
      return { label: TEXT.retry, run: () => choices.start() };
    case "takeOver":
      return { label: TEXT.takeOver, run: () => choices.takeOver() };
    case "takeBack":
      return { label: TEXT.takeBack, run: () => choices.takeOver() };
    case "startWithoutSaving":
      return { label: TEXT.startWithoutSaving, run: () => choices.startWithoutSaving() };
    case "reset":
      return { label: `${TEXT.reset}…`, run: () => choices.reset() };
  }
}
