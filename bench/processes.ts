/** What the processes of one browser use, read from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds of a clock tick (sysconf(_SC_CLK_TCK) is 100 on every Linux that runs Chromium). */
const TICK_MS = 10;

export interface Usage {
  /** CPU time so far in milliseconds */
  readonly cpuMs: number;
  /** memory in bytes, what is shared counted in shares (PSS) */
  readonly bytes: number;
}

/** @returns the usage of all renderer processes of the browser that runs on this profile */
export function renderersOf(profile: string): Usage {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => processOf(pid) ?? []);
  const browser = new Set(
    processes.filter(({ command }) => command.includes(profile)).map(({ pid }) => pid),
  );
  for (let before = -1; before !== browser.size;) {
    before = browser.size;
    for (const { pid, parent } of processes) if (browser.has(parent)) browser.add(pid);
  }
  const renderers = processes.filter(
    ({ pid, command }) => browser.has(pid) && command.includes("--type=renderer"),
  );
  return {
    cpuMs: renderers.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    bytes: renderers.reduce((sum, { pid }) => sum + pssOf(pid), 0),
  };
}

function processOf(pid: string) {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    // proc(5): behind the name in brackets come state, parent …; user and system time are the 12th and 13th of them.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    return { pid, command, parent: fields[1] ?? "", cpuMs };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function pssOf(pid: string): number {
  try {
    const [, kibibytes] =
      /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
    return Number(kibibytes) * 1024;
  } catch {
    return 0;
  }
}
