/** Runs in the page: one machine of ours, and v86 as it comes, both on the same kernel and root. */
import type { StockMessage, StockStart } from "./stock-worker.js";

export interface Plan {
  readonly assets: string;
  readonly stockWorker: string;
  readonly firmware: string;
  readonly commandLine: string;
  readonly runs: number;
}

export interface BenchMachine {
  /** Runs a command that must succeed. */
  run(command: string): Promise<void>;
  /** @returns how many bytes the answer of the router's web server has */
  request(path: string, uploadBytes: number): Promise<number>;
  end(): void;
}

/** @param overlay where changes are stored; `null` keeps them in memory */
export async function startOurs(
  { assets, firmware }: Plan,
  overlay: string | null,
): Promise<BenchMachine> {
  const { Machine } = (await import(`${assets}openwrt-playground.js`)) as {
    Machine: new (options: object) => {
      start(): Promise<void>;
      exec(command: string): Promise<{ exitCode: number }>;
      fetch(path: string, init?: RequestInit): Promise<Response>;
      destroy(): Promise<void>;
    };
  };
  const machine = new Machine({ firmware, assets, overlay });
  await machine.start();
  return {
    async run(command) {
      check((await machine.exec(command)).exitCode);
    },
    async request(path, uploadBytes) {
      const body = new Uint8Array(uploadBytes);
      const response = await machine.fetch(path, uploadBytes > 0 ? { method: "POST", body } : {});
      return (await response.arrayBuffer()).byteLength;
    },
    end: () => void machine.destroy(),
  };
}

export async function startStock(plan: Plan): Promise<BenchMachine> {
  const { assets, firmware, stockWorker, commandLine } = plan;
  const bytes = async (path: string) => (await fetch(assets + path)).arrayBuffer();
  const manifest = (await (await fetch(`${assets}images/${firmware}/firmware.json`)).json()) as {
    kernel: { name: string };
    root: { file: string };
    diskBytes: number;
  };
  const start: StockStart = {
    type: "start",
    wasm: await bytes("v86-0.5.462/v86.wasm"),
    bios: await bytes("kernels/seabios/bios.bin"),
    vgaBios: await bytes("kernels/seabios/vgabios-stdvga.bin"),
    kernel: await bytes(`kernels/${manifest.kernel.name}/bzImage`),
    root: await bytes(`images/${firmware}/${manifest.root.file}`),
    commandLine,
    diskBytes: manifest.diskBytes,
  };
  const worker = new Worker(stockWorker, { type: "module" });
  const ask = (message: StockMessage) =>
    new Promise<unknown>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
      worker.postMessage(message);
    });
  await ask(start);
  return {
    async run(command) {
      check(await ask({ type: "run", command }));
    },
    async request(path, uploadBytes) {
      const length = await ask({ type: "request", path, uploadBytes });
      if (typeof length !== "number") throw new Error(`v86's own network: ${String(length)}`);
      return length;
    },
    end: () => worker.terminate(),
  };
}

function check(exitCode: unknown): void {
  if (exitCode !== 0) throw new Error(`A measured command failed (${String(exitCode)}).`);
}
