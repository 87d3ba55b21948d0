/**
 * `npm run test:browsers`: the main flows in Chromium, Firefox and WebKit, from Debian's packages, on profiles on disk.
 *
 *   --engine NAME   only chromium, firefox or webkit
 *   --flow NAME     only this flow
 *   --short         only what every change must keep: first visit, change and reload, reset
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../scripts/lib/build.js";
import { ensureDemoFactory } from "../../scripts/lib/factory.js";
import { serve } from "../../scripts/lib/serve.js";
import { type Browser, type Engine, ENGINES } from "./engines.js";
import { type Flow, FLOWS, NOT_POSSIBLE } from "./flows.js";
import { RouterTab } from "./router.js";
import { table } from "./table.js";

const KILLS = 3;
const FLOW_MS = 300_000;

const { values } = parseArgs({
  options: {
    engine: { type: "string" },
    flow: { type: "string" },
    short: { type: "boolean", default: false },
  },
});
// Ends the browsers as well.
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => process.exit(130));
const engines = ENGINES.filter(({ name }) => (values.engine ?? name) === name);
const flows = FLOWS.filter(
  ({ name, isShort }) => (values.flow ?? name) === name && (!values.short || isShort === true),
);
const total = { passed: 0, failed: 0 };
const versions = new Map<string, string>();
const results = new Map<string, string>();

for (const engine of engines) engine.install();
// Built after it: the site then has it.
await ensureDemoFactory((line) => console.log(line));
const site = await serve(await build(), 0);
const folder = await mkdtemp(join(tmpdir(), "playground-browsers-"));
try {
  for (const engine of engines) await runIn(engine);
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `\n${table(
    ["", ...engines.map(({ name }) => versions.get(name) ?? name)],
    flows.map((flow) => [
      flow.name,
      ...engines.map((engine) => results.get(key(engine, flow)) ?? ""),
    ]),
  )}\n`,
);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);

async function runIn(engine: Engine): Promise<void> {
  let browser: Browser | undefined;
  for (const flow of flows) {
    const reason = NOT_POSSIBLE.find(
      (one) => one.engine === engine.name && one.flow === flow.name,
    )?.reason;
    const since = performance.now();
    let result: string;
    if (reason !== undefined) result = `not possible: ${reason}`;
    else {
      try {
        browser ??= await engine.open(join(folder, engine.name, "main"));
        versions.set(engine.name, browser.version);
        await inTime(runFlow(engine, browser, flow));
        total.passed++;
        result = "passed";
      } catch (error) {
        console.log(error instanceof Error ? error.stack : error);
        total.failed++;
        result = "**failed**";
        // Whatever it was, it is not the next flow's.
        await browser?.kill();
        browser = undefined;
      }
    }
    results.set(key(engine, flow), result);
    const seconds = ((performance.now() - since) / 1000).toFixed(1);
    console.log(`${engine.name}: ${flow.name}: ${result}, ${seconds} s`);
  }
  await browser?.kill();
}

async function runFlow(engine: Engine, browser: Browser, flow: Flow): Promise<void> {
  const overlay = flow.name.replaceAll(/[^a-z]+/g, "-");
  const router = new RouterTab(browser.tabs[0], `${site.url}?firmware=demo&overlay=${overlay}`);
  const home = join(folder, engine.name);
  await flow.run({ engine, browser, router, folder: home, site: site.url, times: KILLS });
  // No router goes on beside the next flow's.
  for (const tab of browser.tabs) await tab.goto("about:blank");
}

function inTime(running: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("It takes too long.")), FLOW_MS);
    running.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function key(engine: Engine, flow: Flow): string {
  return `${engine.name} ${flow.name}`;
}
