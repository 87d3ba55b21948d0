/** A real Chromium on a profile directory that can be killed as a crash or a power cut would: all of it, at once. */
import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium as playwright, type Browser, type Page } from "playwright-core";
import { CHROMIUM_FLAGS, chromium } from "../../scripts/lib/chromium.js";

const START_MS = 60_000;
const DEATH_MS = 10_000;

export interface KillableBrowser {
  readonly page: Page;
  /**
   * SIGKILL for every process of the browser.
   *
   * @returns how many processes there were, when none is left
   * @throws {Error} one is still there
   */
  kill(): Promise<number>;
}

/** @param profile directory of its own; what an earlier browser stored there is there again */
export async function startBrowser(profile: string): Promise<KillableBrowser> {
  const flags = [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, "--remote-debugging-port=0"];
  // A group of its own, so that one signal reaches all.
  const child = spawn(chromium(), [...flags, "about:blank"], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("Chromium could not be started.");
  const orphaned = () => signal(-pid);
  process.once("exit", orphaned);
  let killed: Promise<number> | undefined;
  // Once only: its number may soon belong to somebody else.
  const kill = () => {
    process.off("exit", orphaned);
    return (killed ??= killAll(pid, profile));
  };
  let browser: Browser;
  try {
    browser = await playwright.connectOverCDP(await debuggingAddress(child));
  } catch (error) {
    await kill();
    throw error;
  }
  const page = browser.contexts()[0]?.pages()[0];
  if (!page) throw new Error("Chromium opened no page.");
  return { page, kill };
}

/** Chromium prints it on standard error. */
function debuggingAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const timer = setTimeout(
      () => reject(new Error(`Chromium did not start:\n${output}`)),
      START_MS,
    );
    child.stderr?.on("data", (data: Buffer) => {
      output = (output + data.toString()).slice(-4096);
      const address = /DevTools listening on (ws:\S+)/.exec(output)?.[1];
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    });
    child.once("exit", () => reject(new Error(`Chromium ended:\n${output}`)));
  });
}

async function killAll(leader: number, profile: string): Promise<number> {
  const pids = processesOf(leader, profile);
  signal(-leader);
  // The crash handler and the zygotes may have left the group.
  for (const pid of pids) signal(pid);
  const giveUp = performance.now() + DEATH_MS;
  for (;;) {
    const left = processesOf(leader, profile);
    if (left.length === 0) return pids.length;
    if (performance.now() > giveUp)
      throw new Error(`Processes ${left.join(", ")} of Chromium are still there.`);
    for (const pid of left) signal(pid);
    await sleep(20);
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** Living processes of the leader's group, its descendants, and those whose arguments name the profile. */
function processesOf(leader: number, profile: string): number[] {
  const family = new Set<number>([leader]);
  const found: number[] = [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  for (const pid of pids.map(Number).sort((one, other) => one - other)) {
    try {
      // proc(5), stat: "pid (name) state parent group …"; the name may have spaces and brackets in it.
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const isOurs =
        pid === leader ||
        Number(group) === leader ||
        family.has(Number(parent)) ||
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(profile);
      if (!isOurs || pid === process.pid) continue;
      family.add(pid);
      if (state !== "Z" && state !== "X") found.push(pid);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
