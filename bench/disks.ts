/** Runs in the page: the same writes through IndexedDB, to our memory store, and on v86's own disk in memory. */
import { type BenchMachine, type Plan, startOurs, startStock } from "./machines.js";

export type DiskKind = "strict" | "memory" | "stock";
export type DiskTask = "sequential" | "sync" | "random";
/** milliseconds of each run */
export type DiskTimes = Record<DiskTask, Record<DiskKind, number[]>>;

/** Rounds that are not counted: v86 compiles the guest's code as it runs, and both sides get several times faster. */
const WARM_UP = 4;

export async function measureDisks(plan: Plan): Promise<DiskTimes> {
  const tasks: Record<DiskTask, string> = {
    // Not zeros: those are in the image already and would not be stored.
    sequential: "cat /tmp/source /tmp/source | dd of=/overlay/bench bs=64k conv=fsync 2>/dev/null",
    sync: "echo $RANDOM > /overlay/small; sync",
    random:
      "i=0; while [ $i -lt 50 ]; do dd if=/dev/urandom of=/overlay/random bs=4k count=1 seek=$((i * 37 % 500)) conv=notrunc,fsync 2>/dev/null; i=$((i+1)); done",
  };
  const none = () => ({ strict: [], memory: [], stock: [] });
  const times: DiskTimes = { sequential: none(), sync: none(), random: none() };
  const machines: Record<DiskKind, BenchMachine> = {
    strict: await startOurs(plan, "bench-disk"),
    memory: await startOurs(plan, null),
    stock: await startStock(plan),
  };
  for (const machine of Object.values(machines))
    await machine.run("head -c 16777216 /dev/urandom > /tmp/source");
  // What is still starting would be measured as well.
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  for (const task of Object.keys(tasks) as DiskTask[])
    // The kinds take turns, so that a busy moment of the machine hits all of them.
    for (let run = -WARM_UP; run < plan.runs; run++)
      for (const kind of Object.keys(machines) as DiskKind[]) {
        const started = performance.now();
        await machines[kind].run(tasks[task]);
        if (run >= 0) times[task][kind].push(performance.now() - started);
      }
  for (const machine of Object.values(machines)) machine.end();
  return times;
}
