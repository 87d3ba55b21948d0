/**
 * `npm run bench [-- --firmware NAME] [--runs N] [--only start|use|idle|keep|cpu|disk|network]`: builds, then measures in Chromium
 * on a profile on disk. Prints medians and ratios from one run; a single time says little on a busy machine.
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
import type { CpuTimes } from "./cpu.js";
import type { DiskTimes } from "./disks.js";
import type * as Machines from "./machines.js";
import type { Plan } from "./machines.js";
import type { NetworkTimes } from "./network.js";
import { type Bar, plot } from "./plot.js";
import { renderersOf } from "./processes.js";
import { Report } from "./report.js";
import { measureStarts, open } from "./starts.js";
import { median } from "./statistics.js";
import { measureKeeping, measureUses } from "./uses.js";

/** So long a router that has just started is left alone, and so long its idling is looked at, in milliseconds. */
const SETTLE_MS = 20_000;
const IDLE_MS = 10_000;
/** So long a router prints a line a second, in milliseconds. */
const KEEPING_MS = 600_000;
/** Files that only a running router needs. */
const HEAVY_SCRIPTS = /machine-worker|xterm|addon-fit/;

const { values } = parseArgs({
  options: {
    firmware: { type: "string", default: "demo" },
    runs: { type: "string", default: "5" },
    only: { type: "string" },
  },
});
const { firmware } = values;
const runs = Math.max(1, Number(values.runs) || 5);
const work = await mkdtemp(join(tmpdir(), "playground-bench-"));
const profile = join(work, "profile");
const report = new Report();
// A copy, so that nothing a person does meanwhile changes what is measured.
await cp(await build(), join(work, "site"), { recursive: true });
await buildBenchScripts(join(work, "site"));
const fetched = new Map<string, number>();
const site = await serve(join(work, "site"), 0, (path, bytes) => fetched.set(path, bytes));
const context = await playwright.launchPersistentContext(profile, {
  executablePath: chromium(),
  // Playwright's own list would switch storage partitioning off, which people have.
  args: [...CHROMIUM_FLAGS, "--disable-features=Translate,MediaRouter"],
});

try {
  const page = context.pages()[0] ?? (await context.newPage());
  const parts: Record<string, () => Promise<void>> = {
    // First, as the HTTP cache is empty only once.
    start: async () => {
      await transfers(page);
      await starts(page);
    },
    use: async () => report.uses(await measureUses(page, site.url, firmware, runs)),
    idle: () => idle(page),
    keep: async () => {
      const bytes = await measureKeeping(page, site.url, firmware, KEEPING_MS);
      report.show("memory saved in 10 minutes with a line a second, MB", [bytes / 1e6]);
    },
    cpu: async () => report.cpu(await measure<CpuTimes>(page, "cpu", "measureCpu")),
    disk: async () => report.disks(await measure<DiskTimes>(page, "disks", "measureDisks")),
    network: async () =>
      report.network(await measure<NetworkTimes>(page, "network", "measureNetwork")),
  };
  for (const [name, run] of Object.entries(parts))
    if (values.only === undefined || values.only === name) await run();
  await mkdir(`${ROOT}test-results`, { recursive: true });
  const json = JSON.stringify({ firmware, runs, results: report.results }, null, 2);
  await writeFile(`${ROOT}test-results/bench.json`, `${json}\n`);
} finally {
  await context.close();
  await site.close();
  await rm(work, { recursive: true, force: true });
}

/**
 * What a visitor with an empty cache transfers, until the router runs and its network is up, and how long the page's own
 * thread was busy at a stretch meanwhile: so long it would have answered nobody.
 */
async function transfers(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const longTasks: number[] = [];
    Object.assign(globalThis, { longTasks });
    new PerformanceObserver((list) =>
      longTasks.push(...list.getEntries().map(({ duration }) => duration)),
    ).observe({ type: "longtask", buffered: true });
  });
  await open(page, `${site.url}?firmware=${firmware}&overlay=transfers`);
  await page.waitForTimeout(SETTLE_MS);
  const files = [...fetched];
  const scripts = files.filter(([path]) => path.endsWith(".js"));
  const light = scripts.filter(([path]) => !HEAVY_SCRIPTS.test(path));
  report.show("fetched by a first visit, bytes (compressed)", [sum(files)]);
  report.show("of that JavaScript, bytes (compressed)", [sum(scripts)]);
  report.show("of that before the terminal and the worker", [sum(light)]);
  // The browser tells of those beyond 50 ms only.
  const longTasks = await page.evaluate(
    () => (globalThis as unknown as { longTasks: number[] }).longTasks,
  );
  report.show("main thread busy for more than 50 ms during it, times", [longTasks.length]);
  report.show("… the longest of them, ms", [Math.max(0, ...longTasks)]);
}

async function starts(page: Page): Promise<void> {
  const stock: number[] = [];
  for (let run = 0; run < runs; run++) stock.push(await stockBoot(page));
  const times = await measureStarts(page, site.url, firmware, runs);
  const bars: Bar[] = [];
  const show = (name: string, ms: number[]) => {
    report.show(
      `${name}, s`,
      ms.map((each) => each / 1000),
    );
    report.show(`${name}: share of stock v86's cold boot`, [median(ms) / median(stock)]);
    bars.push({ name, value: median(ms) / 1000 });
  };
  show("stock v86, cold boot", stock);
  show("cold boot", times.cold);
  show("first visit, shell", times.first);
  show("first visit, first uci show", times.uci);
  show("reset, shell", times.reset);
  show("return visit, shell", times.resume);
  show("left 1.5 s after a change, shell", times.soon);
  const title = `${firmware}: from opening the page`;
  await writeFile(`${ROOT}docs/performance-${firmware}.svg`, plot(title, bars, "s"));
}

/** What a router that nobody uses costs: in the site's own page, and as v86 comes. */
async function idle(page: Page): Promise<void> {
  await open(page, `${site.url}?firmware=${firmware}&overlay=idle`);
  await reportIdle("in the page", page);
  await stockPage(page);
  await reportIdle("v86 as it comes", page);
}

async function reportIdle(name: string, page: Page): Promise<void> {
  await page.waitForTimeout(SETTLE_MS);
  const shares: number[] = [];
  for (let run = 0; run < runs; run++) {
    const before = renderersOf(profile).cpuMs;
    await page.waitForTimeout(IDLE_MS);
    shares.push(((renderersOf(profile).cpuMs - before) / IDLE_MS) * 100);
  }
  report.show(`idle CPU, % of a core: ${name}`, shares);
  report.show(`memory, MiB: ${name}`, [renderersOf(profile).bytes / 1024 / 1024]);
}

async function stockBoot(page: Page): Promise<number> {
  const began = performance.now();
  await stockPage(page);
  return performance.now() - began;
}

/** A bare page with v86 as it comes: the same kernel and root, its own disk in memory. */
async function stockPage(page: Page): Promise<void> {
  await page.goto(`${site.url}icon.svg`);
  await page.evaluate(async (plan) => {
    const bench = (await import(`${plan.bench}machines.js`)) as typeof Machines;
    await bench.startStock(plan);
  }, plan());
}

/** Runs a measurement of the bench's own scripts in a bare page. */
async function measure<Times>(page: Page, script: string, name: string): Promise<Times> {
  await page.goto(`${site.url}icon.svg`);
  return page.evaluate(
    async ({ plan, script, name }) => {
      const bench = (await import(`${plan.bench}${script}.js`)) as Record<
        string,
        (plan: Plan) => Promise<Times>
      >;
      const run = bench[name];
      if (!run) throw new Error(`${script}.js has no ${name}.`);
      return run(plan);
    },
    { plan: plan(), script, name },
  );
}

function plan(): Plan & { readonly bench: string } {
  return {
    bench: `${site.url}bench/`,
    assets: `${site.url}playground/`,
    stockWorker: `${site.url}bench/stock-worker.js`,
    firmware,
    commandLine: COMMAND_LINE,
    runs,
  };
}

async function buildBenchScripts(folder: string): Promise<void> {
  await esbuild({
    entryPoints: ["cpu", "disks", "machines", "network", "stock-worker"].map(
      (name) => `${ROOT}bench/${name}.ts`,
    ),
    outdir: join(folder, "bench"),
    bundle: true,
    format: "esm",
    target: "es2022",
    external: NODE_PARTS_OF_V86,
  });
}

function sum(files: (readonly [path: string, bytes: number])[]): number {
  return files.reduce((total, [, bytes]) => total + bytes, 0);
}
