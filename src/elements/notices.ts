/** What the page has to say over the console, and what the person can do about it: one decision, no drawing. */
import { MachineError, StorageError } from "../machine/errors.js";
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
  takeOver(): void;
  startWithoutSaving(): void;
  reset(): void;
  saveCopy(): void;
}

/**
 * @param machine the element's machine; `undefined` when its attributes name none
 * @param problem why there is no machine
 */
export function noticeFor(
  machine: Machine | undefined,
  problem: Error | undefined,
  choices: NoticeChoices,
): Notice | undefined {
  if (!machine)
    return { heading: TEXT.failTitle, text: problem?.message ?? "", actions: [], urgent: true };
  if (machine.stall) return stalled(machine, machine.stall, choices);
  if (machine.state === "failed") return failed(machine, choices);
  if (machine.state !== "off") return undefined;
  if (machine.error instanceof StorageError)
    return {
      heading: TEXT.takenOverTitle,
      text: machine.error.message,
      actions: [{ label: TEXT.takeBack, run: () => choices.takeOver() }],
      urgent: true,
    };
  return {
    text: TEXT.offHint,
    actions: [{ label: TEXT.start, run: () => choices.start() }],
    urgent: false,
  };
}

function stalled(machine: Machine, stall: StorageError, choices: NoticeChoices): Notice {
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

function failed(machine: Machine, choices: NoticeChoices): Notice {
  const { error } = machine;
  const text = error?.message ?? "";
  const retry = { label: TEXT.retry, run: () => choices.start() };
  const problem = error instanceof StorageError ? error.problem : undefined;
  if (problem === "in-use")
    return {
      heading: TEXT.inUseTitle,
      text: `${text} ${holderText(machine.holder)}`,
      actions: [
        { label: TEXT.takeOver, run: () => choices.takeOver() },
        { label: TEXT.startWithoutSaving, run: () => choices.startWithoutSaving() },
        retry,
      ],
      urgent: true,
    };
  if (problem === "unsaved-elsewhere")
    return {
      heading: TEXT.inUseTitle,
      text: `${text} ${holderText(machine.holder)}`,
      actions: [
        { label: TEXT.retry, run: () => choices.takeOver() },
        { label: TEXT.startWithoutSaving, run: () => choices.startWithoutSaving() },
      ],
      urgent: true,
    };
  if (problem === "unavailable")
    return {
      heading: TEXT.failTitle,
      text,
      actions: [retry, { label: TEXT.startWithoutSaving, run: () => choices.startWithoutSaving() }],
      urgent: true,
    };
  return {
    heading: TEXT.failTitle,
    text,
    details: error instanceof MachineError ? error.details : [],
    actions: [retry, { label: `${TEXT.reset}…`, run: () => choices.reset() }],
    urgent: true,
  };
}
