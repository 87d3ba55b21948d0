/**
 * Reads the router's first console (ttyS0) for what it tells of the boot: how far it is, failsafe, and a kernel panic.
 *
 * Guest output is untrusted: a line that looks like a panic is only a suspicion, which the caller checks, for a
 * person may just as well print an old log.
 */
import { LineReader } from "./console-text.js";

/** How far a boot is, in the order in which the stages come. */
export type BootStage = "kernel" | "preinit" | "services" | "ready";

/** Lines that mark the beginning of a stage; what OpenWrt's procd and busybox print (procd, state.c and plug/). */
const MARKS: readonly [BootStage, RegExp][] = [
  ["kernel", /Linux version \d/],
  ["preinit", /init: - preinit -/],
  ["services", /procd: - (?:early|init) -/],
  ["ready", /procd: - init complete -/],
];

/** Printed by OpenWrt's preinit (package/base-files, 10_indicate_failsafe). */
const FAILSAFE = /^- failsafe -$/;

/** Printed by the kernel (kernel/panic.c), at the start of a line or behind a timestamp. */
const PANIC = /^(?:<\d+>)?(?:\[ *\d+\.\d+\] ?)?Kernel panic - not syncing: /;

export interface BootWatch {
  onStage(stage: BootStage): void;
  onPanicLine(): void;
  onFailsafe(): void;
}

export class ConsoleWatch {
  #reached = -1;
  readonly #lines: LineReader;

  constructor(watch: BootWatch) {
    this.#lines = new LineReader((line) => {
      const stage = MARKS.findIndex(([, mark]) => mark.test(line));
      if (stage > this.#reached) {
        this.#reached = stage;
        const mark = MARKS[stage];
        if (mark) watch.onStage(mark[0]);
      }
      if (PANIC.test(line)) watch.onPanicLine();
      if (FAILSAFE.test(line)) watch.onFailsafe();
    });
  }

  receive(bytes: Uint8Array): void {
    this.#lines.push(bytes);
  }

  /** The last lines printed, for an error report. */
  get lastLines(): string[] {
    return this.#lines.recent;
  }
}
