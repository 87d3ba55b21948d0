/** The processes of a browser, and the end of all of them at once. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const DEATH_MS = 10_000;

/**
 * SIGKILL for every process of a browser.
 *
 * @param leader the first process, which leads a group of its own
 * @param profile named in the arguments of those that left the group
 * @returns how many processes there were, when none is left
 * @throws {Error} one is still there
 */
export async function killAll(leader: number, profile: string): Promise<number> {
  const pids = processesOf(leader, profile);
  signal(-leader);
  // The crash handler and the zygotes may have left the group.
  for (const pid of pids) signal(pid);
  const giveUp = performance.now() + DEATH_MS;
  for (;;) {
    const left = processesOf(leader, profile);
    if (left.length === 0) return pids.length;
    if (performance.now() > giveUp)
      throw new Error(`Processes ${left.join(", ")} of the browser are still there.`);
    for (const pid of left) signal(pid);
    await sleep(20);
  }
}

export function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** Living processes of the leader's group, its descendants, and those whose arguments name the profile. */
export function processesOf(leader: number, profile: string): number[] {
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
