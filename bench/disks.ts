/** Runs in the page: the same writes through IndexedDB, to our memory store, and on v86's own disk in memory. */
import type { StockStart } from "./stock-worker.js";

export interface DiskPlan {
  readonly assets: string;
  readonly stockWorker: string;
  readonly firmware: string;
  readonly commandLine: string;
  readonly runs: number;
}

export type DiskKind = "strict" | "memory" | "stock";
export type DiskTask = "sequential" | "sync" | "random";
/** milliseconds of each run */
export type DiskTimes = Record<DiskTask, Record<DiskKind, number[]>>;

/** Rounds that are not counted: v86 compiles the guest's code as it runs, and both sides get several times faster. */
const WARM_UP = 4;

interface Bench {
  run(command: string): Promise<void>;
  end(): void;
}

export async function measureDisks(plan: DiskPlan): Promise<DiskTimes> {
  const tasks: Record<DiskTask, string> = {
    // Not zeros: those are in the image already and would not be stored.
    sequential: "cat /tmp/source /tmp/source | dd of=/overlay/bench bs=64k conv=fsync 2>/dev/null",
    sync: "echo $RANDOM > /overlay/small; sync",
    random:
      "i=0; while [ $i -lt 50 ]; do dd if=/dev/urandom of=/overlay/random bs=4k count=1 seek=$((i * 37 % 500)) conv=notrunc,fsync 2>/dev/null; i=$((i+1)); done",
  };
  const none = () => ({ strict: [], memory: [], stock: [] });
  const times: DiskTimes = { sequential: none(), sync: none(), random: none() };
  const machines: Record<DiskKind, Bench> = {
    strict: await ours(plan, "bench-disk"),
    memory: await ours(plan, null),
    stock: await stock(plan),
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

async function ours({ assets, firmware }: DiskPlan, overlay: string | null): Promise<Bench> {
  const { Machine } = (await import(`${assets}openwrt-playground.js`)) as {
    Machine: new (options: object) => {
      start(): Promise<void>;
      exec(command: string): Promise<{ exitCode: number }>;
      destroy(): Promise<void>;
    };
  };
  const machine = new Machine({ firmware, assets, overlay });
  await machine.start();
  return {
    async run(command) {
      check((await machine.exec(command)).exitCode);
    },
    end: () => void machine.destroy(),
  };
}

async function stock({ assets, firmware, stockWorker, commandLine }: DiskPlan): Promise<Bench> {
  const bytes = async (path: string) => (await fetch(assets + path)).arrayBuffer();
  const manifest = (await (await fetch(`${assets}images/${firmware}/firmware.json`)).json()) as {
    kernel: { name: string };
    root: { file: string };
    diskBytes: number;
  };
  const start: StockStart = {
    wasm: await bytes("v86-0.5.462/v86.wasm"),
    bios: await bytes("kernels/seabios/bios.bin"),
    vgaBios: await bytes("kernels/seabios/vgabios-stdvga.bin"),
    kernel: await bytes(`kernels/${manifest.kernel.name}/bzImage`),
    root: await bytes(`images/${firmware}/${manifest.root.file}`),
    commandLine,
    diskBytes: manifest.diskBytes,
  };
  const worker = new Worker(stockWorker, { type: "module" });
  const answer = () =>
    new Promise<unknown>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
    });
  const ready = answer();
  worker.postMessage(start);
  await ready;
  return {
    async run(command) {
      const done = answer();
      worker.postMessage(command);
      check(await done);
    },
    end: () => worker.terminate(),
  };
}

function check(exitCode: unknown): void {
  if (exitCode !== 0) throw new Error(`A measured command failed (${String(exitCode)}).`);
}
