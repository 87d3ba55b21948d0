/** Runs in the page: a fixed workload on the guest's CPU, on our machine and on v86 as it comes. */
import { type BenchMachine, type Plan, startOurs, startStock } from "./machines.js";

/** milliseconds of each run */
export type CpuTimes = Record<CpuTask, Record<"ours" | "stock", number[]>>;
export type CpuTask = "sha256" | "gzip" | "processes";

/** Rounds that are not counted: v86 compiles the guest's code as it runs. */
const WARM_UP = 1;
const TASKS: Record<CpuTask, string> = {
  sha256: "for i in 1 2 3; do sha256sum /tmp/source; done >/dev/null",
  gzip: "gzip -c /tmp/source | gzip -d >/dev/null",
  processes: "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done",
};

export async function measureCpu(plan: Plan): Promise<CpuTimes> {
  const none = () => ({ ours: [], stock: [] });
  const times: CpuTimes = { sha256: none(), gzip: none(), processes: none() };
  const machines: Record<"ours" | "stock", BenchMachine> = {
    ours: await startOurs(plan, null),
    stock: await startStock(plan),
  };
  for (const machine of Object.values(machines))
    await machine.run("head -c 4194304 /dev/urandom > /tmp/source");
  // What is still starting would be measured as well.
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  for (const task of Object.keys(TASKS) as CpuTask[])
    for (let run = -WARM_UP; run < plan.runs; run++)
      for (const kind of ["ours", "stock"] as const) {
        const started = performance.now();
        await machines[kind].run(TASKS[task]);
        if (run >= 0) times[task][kind].push(performance.now() - started);
      }
  for (const machine of Object.values(machines)) machine.end();
  return times;
}
