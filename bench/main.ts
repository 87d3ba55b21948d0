/**
 * `npm run bench [-- --firmware NAME] [--runs N]`: builds, then measures in Chromium on a profile on disk.
 * Prints medians and ratios from one run; a single time says little on a busy machine.
 */
import { chromium as playwright, type Page } from "@playwright/test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../scripts/lib/build.js";
import { CHROMIUM_FLAGS, chromium } from "../scripts/lib/chromium.js";
import { serve } from "../scripts/lib/serve.js";
import { median } from "./statistics.js";

const { values } = parseArgs({
  options: {
    firmware: { type: "string", default: "demo" },
    runs: { type: "string", default: "3" },
  },
});
const runs = Math.max(1, Number(values.runs) || 3);
const dist = await build();
const fetched = new Map<string, number>();
const site = await serve(dist, 0, (path, bytes) => fetched.set(path, bytes));
const profile = await mkdtemp(join(tmpdir(), "playground-bench-"));
const context = await playwright.launchPersistentContext(profile, {
  executablePath: chromium(),
  args: CHROMIUM_FLAGS,
});

try {
  const page = context.pages()[0] ?? (await context.newPage());
  const boots: number[] = [];
  for (let run = 0; run < runs; run++) boots.push(await coldBoot(page, run));
  const js = [...fetched].filter(([path]) => path.endsWith(".js"));
  report(
    "cold boot: open page → shell answers, s",
    boots.map((ms) => ms / 1000),
  );
  report("fetched by a first visit, bytes (compressed)", [sum([...fetched.values()])]);
  report("of that JavaScript, bytes (compressed)", [sum(js.map(([, bytes]) => bytes))]);
  await compareDisks(page);
} finally {
  await context.close();
  await site.close();
  await rm(profile, { recursive: true, force: true });
}

/** Opens the page on a fresh overlay. @returns milliseconds until a shell answers */
async function coldBoot(page: Page, run: number): Promise<number> {
  const started = performance.now();
  await page.goto(`${site.url}?firmware=${values.firmware}&overlay=bench-${run}`);
  await page.waitForFunction(
    () => document.querySelector("openwrt-playground")?.machine.state === "running",
    null,
    { timeout: 300_000 },
  );
  return performance.now() - started;
}

/** The same writes through IndexedDB and to memory, in turn, on fresh machines of one page. */
async function compareDisks(page: Page): Promise<void> {
  await page.goto(`${site.url}icon.svg`);
  const times = await page.evaluate(measureDisks, {
    assets: `${site.url}playground/`,
    firmware: values.firmware,
    runs,
  });
  for (const what of ["sequential", "small"] as const) {
    const { strict, memory } = times[what];
    const name =
      what === "sequential" ? "32 MiB dd conv=fsync, MiB/s" : "write a small file and sync, ms";
    const shown = (list: number[]) =>
      what === "sequential" ? list.map((ms) => 32_000 / ms) : list;
    report(`${name}: write-through`, shown(strict));
    report(`${name}: memory`, shown(memory));
    report(`${name}: time of write-through / memory`, [median(strict) / median(memory)]);
  }
}

/** Runs in the page. */
async function measureDisks({
  assets,
  firmware,
  runs,
}: {
  assets: string;
  firmware: string;
  runs: number;
}) {
  interface Bench {
    start(): Promise<void>;
    exec(command: string): Promise<{ exitCode: number; stderr: string }>;
    destroy(): Promise<void>;
  }
  const { Machine } = (await import(`${assets}openwrt-playground.js`)) as {
    Machine: new (options: object) => Bench;
  };
  const commands = {
    sequential: "dd if=/dev/zero of=/overlay/bench bs=1M count=32 conv=fsync",
    small: "echo $RANDOM > /overlay/small; sync",
  };
  const times = {
    sequential: { strict: [] as number[], memory: [] as number[] },
    small: { strict: [] as number[], memory: [] as number[] },
  };
  for (const kind of ["strict", "memory"] as const) {
    const machine = new Machine({ firmware, assets, overlay: kind === "strict" ? "disk" : null });
    await machine.start();
    // What is still starting would be measured as well.
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    for (const what of ["sequential", "small"] as const)
      for (let run = 0; run <= runs; run++) {
        const started = performance.now();
        const { exitCode, stderr } = await machine.exec(commands[what]);
        if (exitCode !== 0) throw new Error(stderr);
        // The first run warms the JIT.
        if (run > 0) times[what][kind].push(performance.now() - started);
      }
    await machine.destroy();
  }
  return times;
}

function report(name: string, samples: number[]): void {
  const shown = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 2 });
  const all = samples.length > 1 ? `   (${samples.map(shown).join(", ")})` : "";
  console.log(`${name.padEnd(60)}${shown(median(samples)).padStart(12)}${all}`);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
