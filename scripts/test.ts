/**
 * `npm test`: builds, then runs the suites, and ends with one line "N passed, N failed".
 * With --all also the long ones: two tabs, storage faults, a thousand requests, hostile inputs, the order of writes, and three kills of the browser.
 * Chromium comes from CHROME_PATH, from the system, or from Debian's packages.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { chromium, installDebianPackages } from "./lib/chromium.js";
import { type Count, judged, playwrightCount, runnerCount, tapCount } from "./lib/counts.js";
import { ensureDemoFactory } from "./lib/factory.js";
import { ROOT } from "./lib/paths.js";
import { onPath } from "./lib/tools.js";

const RESULTS = `${ROOT}test-results/`;
const total = { passed: 0, failed: 0, skipped: 0 };
process.env["CHROME_PATH"] = chromium();
const tools = [
  ["sqfstar", "squashfs-tools"],
  ["e2fsck", "e2fsprogs"],
  ["zstd", "zstd"],
] as const;
const missing = tools.filter(([program]) => !onPath(program)).map(([, name]) => name);
if (missing.length > 0) installDebianPackages(missing);
rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });

await build();
await suite("Node", nodeTest("test/cli"), tapCount);
await suite("common", nodeTest("test/common"), tapCount);
await suite("network", nodeTest("test/network"), tapCount);
await suite("machine", nodeTest("test/machine"), tapCount);
await suite("model of the machine", nodeTest("test/model"), tapCount);
await suite("modules in Chromium", ["npx", "web-test-runner"], runnerCount);
// Without one the pages that need it say so.
await ensureDemoFactory((line) => console.log(line));
await suite("machine in Node", nodeTest("test/node"), tapCount);
await suite("whole page", ["npx", "playwright", "test", "--project=page"], pageCount);
if (process.argv.includes("--all")) {
  await suite("long pages", ["npx", "playwright", "test", "--project=long"], pageCount);
  await suite("hostile inputs", nodeTest("test/fuzz"), tapCount);
  await suite("order of writes", ["npm", "run", "--silent", "test:order"], runnerCount);
  await suite(
    "killed browsers",
    ["npm", "run", "--silent", "test:kill", "--", "--times", "3"],
    runnerCount,
  );
}

if (total.skipped > 0) console.log(`${total.skipped} skipped`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Nothing can be tested without it. */
async function build(): Promise<void> {
  console.log("\n== build");
  if ((await run(["npm", "run", "build"])).code === 0) return;
  console.log("0 passed, 1 failed");
  process.exit(1);
}

/** Runs one command, shows its output, and adds what it counted. */
async function suite(name: string, command: string[], count: (output: string) => Count) {
  console.log(`\n== ${name}`);
  const { output, code } = await run(command);
  const { passed, failed, skipped } = judged(count(output), code);
  console.log(`== ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

function run([program = "", ...args]: string[]): Promise<{ output: string; code: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (data: Buffer) => {
      output += data.toString();
      process.stdout.write(data);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ output, code: code ?? 1 }));
  });
}

function nodeTest(folder: string): string[] {
  const files = readdirSync(ROOT + folder).filter((name) => name.endsWith(".test.ts"));
  return [
    ...["npx", "tsx", "--test", "--test-reporter=tap"],
    ...files.map((name) => `${folder}/${name}`),
  ];
}

function pageCount(): Count {
  const report = `${RESULTS}playwright.json`;
  if (!existsSync(report)) return { passed: 0, failed: 0, skipped: 0 };
  const count = playwrightCount(readFileSync(report, "utf8"));
  if (count.flaky > 0) console.log(`${count.flaky} passed only at the second try`);
  return count;
}
