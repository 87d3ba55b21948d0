/**
 * `npm run bench [-- --firmware NAME] [--runs N] [--only start|disk|network]`: builds, then measures
 * in Chromium on a profile on disk. Prints medians and ratios from one run; a single time says little on a busy machine.
 */
import { chromium as playwright, type Page } from "@playwright/test";
import { build as esbuild } from "esbuild";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, NODE_PARTS_OF_V86 } from "../scripts/lib/build.js";
import { CHROMIUM_FLAGS, chromium } from "../scripts/lib/chromium.js";
import { ROOT } from "../scripts/lib/paths.js";
import { serve } from "../scripts/lib/serve.js";
import { COMMAND_LINE } from "../src/machine/command-line.js";
import type * as Disks from "./disks.js";
import type { DiskKind, DiskTask, DiskTimes } from "./disks.js";
import type * as Machines from "./machines.js";
import type { Plan } from "./machines.js";
import type * as Network from "./network.js";
import { DOWNLOAD_BYTES, type NetworkTask, type NetworkTimes, UPLOAD_BYTES } from "./network.js";
import { type Bar, plot } from "./plot.js";
import { measureStarts } from "./starts.js";
import { median } from "./statistics.js";

const { values } = parseArgs({
  options: {
    firmware: { type: "string", default: "demo" },
    runs: { type: "string", default: "5" },
    only: { type: "string" },
  },
});
const runs = Math.max(1, Number(values.runs) || 5);
const work = await mkdtemp(join(tmpdir(), "playground-bench-"));
// A copy, so that nothing a person does meanwhile changes what is measured.
await cp(await build(), join(work, "site"), { recursive: true });
await buildBenchScripts(join(work, "site"));
/** all samples by name, for `test-results/bench.json` */
const results: Record<string, number[]> = {};
const fetched = new Map<string, number>();
const site = await serve(join(work, "site"), 0, (path, bytes) => fetched.set(path, bytes));
const context = await playwright.launchPersistentContext(join(work, "profile"), {
  executablePath: chromium(),
  args: CHROMIUM_FLAGS,
});

try {
  const page = context.pages()[0] ?? (await context.newPage());
  if (wanted("start")) await starts(page);
  if (wanted("disk")) reportDisks(await disks(page));
  if (wanted("network")) reportNetwork(await network(page));
  await mkdir(`${ROOT}test-results`, { recursive: true });
  await writeFile(`${ROOT}test-results/bench.json`, `${JSON.stringify(results, null, 2)}\n`);
} finally {
  await context.close();
  await site.close();
  await rm(work, { recursive: true, force: true });
}

function wanted(part: "start" | "disk" | "network"): boolean {
  return values.only === undefined || values.only === part;
}

async function starts(page: Page): Promise<void> {
  const stock: number[] = [];
  for (let run = 0; run < runs; run++) stock.push(await stockBoot(page));
  fetched.clear();
  const times = await measureStarts(page, site.url, values.firmware, runs);
  const whole = sum(
    [...fetched].filter(([path]) => !path.includes("/kernels/v86")).map(([, bytes]) => bytes),
  );
  const scripts = [...fetched].filter(([path]) => path.endsWith(".js"));
  const bars: Bar[] = [];
  const show = (name: string, ms: number[]) => {
    report(
      `${name}, s`,
      ms.map((each) => each / 1000),
    );
    report(`${name}: share of stock v86's cold boot`, [median(ms) / median(stock)]);
    bars.push({ name, value: median(ms) / 1000 });
  };
  show("stock v86, cold boot", stock);
  show("cold boot", times.cold);
  show("first visit, shell", times.first);
  show("first visit, first uci show", times.uci);
  show("reset, shell", times.reset);
  show("return visit, shell", times.resume);
  report("fetched by a first visit, bytes (compressed)", [whole]);
  report("of that JavaScript, bytes (compressed)", [sum(scripts.map(([, bytes]) => bytes))]);
  const title = `${values.firmware}: from opening the page`;
  await writeFile(`${ROOT}docs/performance-${values.firmware}.svg`, plot(title, bars, "s"));
}

/** A bare page with v86 as it comes: the same kernel and root, its own disk in memory. */
async function stockBoot(page: Page): Promise<number> {
  const began = performance.now();
  await page.goto(`${site.url}icon.svg`);
  await page.evaluate(async (plan) => {
    const bench = (await import(`${plan.bench}machines.js`)) as typeof Machines;
    (await bench.startStock(plan)).end();
  }, plan());
  return performance.now() - began;
}

async function disks(page: Page): Promise<DiskTimes> {
  await page.goto(`${site.url}icon.svg`);
  return page.evaluate(async (plan) => {
    const bench = (await import(`${plan.bench}disks.js`)) as typeof Disks;
    return bench.measureDisks(plan);
  }, plan());
}

async function network(page: Page): Promise<NetworkTimes> {
  await page.goto(`${site.url}icon.svg`);
  return page.evaluate(async (plan) => {
    const bench = (await import(`${plan.bench}network.js`)) as typeof Network;
    return bench.measureNetwork(plan);
  }, plan());
}

function plan(): Plan & { readonly bench: string } {
  return {
    bench: `${site.url}bench/`,
    assets: `${site.url}playground/`,
    stockWorker: `${site.url}bench/stock-worker.js`,
    firmware: values.firmware,
    commandLine: COMMAND_LINE,
    runs,
  };
}

function reportDisks(times: DiskTimes): void {
  const tasks: [DiskTask, string, (ms: number) => number][] = [
    ["sequential", "32 MiB dd conv=fsync, MiB/s", (ms) => 32_000 / ms],
    ["sync", "small file and sync, ms", (ms) => ms],
    ["random", "4 KiB random writes with fsync, a second", (ms) => 50_000 / ms],
  ];
  const kinds: [DiskKind, string][] = [
    ["strict", "our disk in IndexedDB"],
    ["memory", "our store in memory"],
    ["stock", "v86's own disk in memory"],
  ];
  for (const [task, name, unit] of tasks) {
    for (const [kind, what] of kinds) report(`${name}: ${what}`, times[task][kind].map(unit));
    const ratio = median(times[task].strict) / median(times[task].stock);
    report(`${name}: time of ours / v86's own`, [ratio]);
  }
}

function reportNetwork(times: NetworkTimes): void {
  const tasks: [NetworkTask, string, (ms: number) => number][] = [
    ["download", "download of a file, MiB/s", (ms) => rate(DOWNLOAD_BYTES, ms)],
    ["upload", "upload to a program, MiB/s", (ms) => rate(UPLOAD_BYTES, ms)],
    ["request", "request for a small file, ms", (ms) => ms],
  ];
  for (const [task, name, unit] of tasks) {
    const { ours, stock } = times[task];
    report(`${name}: ours`, ours.map(unit));
    report(`${name}: v86's own`, stock.map(unit));
    report(`${name}: time of ours / v86's own`, [median(ours) / median(stock)]);
  }
}

/** MiB a second */
function rate(bytes: number, ms: number): number {
  return bytes / 1024 / 1024 / (ms / 1000);
}

async function buildBenchScripts(folder: string): Promise<void> {
  await esbuild({
    entryPoints: ["disks", "machines", "network", "stock-worker"].map(
      (name) => `${ROOT}bench/${name}.ts`,
    ),
    outdir: join(folder, "bench"),
    bundle: true,
    format: "esm",
    target: "es2022",
    external: NODE_PARTS_OF_V86,
  });
}

function report(name: string, samples: number[]): void {
  results[name] = samples;
  const shown = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 2 });
  const all =
    samples.length > 1 && samples.length <= 20 ? `   (${samples.map(shown).join(", ")})` : "";
  console.log(`${name.padEnd(72)}${shown(median(samples)).padStart(12)}${all}`);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
