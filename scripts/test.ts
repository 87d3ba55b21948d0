/**
 * `npm test`: builds, then runs the suites, and ends with one line "N passed, N failed".
 * With --all also the long ones: two tabs, storage faults, a thousand requests, hostile inputs, the order of writes, and three kills of the browser.
 * Chromium comes from CHROME_PATH, from the system, or from Debian's packages.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { chromium, installDebianPackages } from "./lib/chromium.js";
import { ensureDemoFactory } from "./lib/factory.js";
import { ROOT } from "./lib/paths.js";
import { onPath } from "./lib/tools.js";

interface Count {
  passed: number;
  failed: number;
}

const RESULTS = `${ROOT}test-results/`;
const total: Count = { passed: 0, failed: 0 };
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

await suite("build", ["npm", "run", "build"], () => ({ passed: 0, failed: 0 }));
await suite("Node", nodeTest("test/cli"), tapCount);
await suite("common", nodeTest("test/common"), tapCount);
await suite("network", nodeTest("test/network"), tapCount);
await suite("machine", nodeTest("test/machine"), tapCount);
await suite("model of the machine", nodeTest("test/model"), tapCount);
await suite("modules in Chromium", ["npx", "web-test-runner"], runnerCount);
// Without one the pages that need it say so.
await ensureDemoFactory((line) => console.log(line));
await suite("whole page", ["npx", "playwright", "test", "--project=page"], playwrightCount);
if (process.argv.includes("--all")) {
  await suite("long pages", ["npx", "playwright", "test", "--project=long"], playwrightCount);
  await suite("hostile inputs", nodeTest("test/fuzz"), tapCount);
  await suite("order of writes", ["npm", "run", "--silent", "test:order"], runnerCount);
  await suite(
    "killed browsers",
    ["npm", "run", "--silent", "test:kill", "--", "--times", "3"],
    runnerCount,
  );
}

console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Runs one command, shows its output, and adds what it counted; an exit code without a failure counts as one. */
async function suite(name: string, command: string[], count: (output: string) => Count) {
  console.log(`\n== ${name}`);
  const { output, code } = await run(command);
  const counted = count(output);
  if (code !== 0 && counted.failed === 0) counted.failed = 1;
  total.passed += counted.passed;
  total.failed += counted.failed;
  if (name === "build" && code !== 0) {
    console.log("0 passed, 1 failed");
    process.exit(1);
  }
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

function tapCount(output: string): Count {
  const number = (word: string) =>
    Number(new RegExp(`^# ${word} (\\d+)`, "m").exec(output)?.[1] ?? 0);
  return { passed: number("pass"), failed: number("fail") + number("cancelled") };
}

function runnerCount(output: string): Count {
  const [, passed, failed] = [...output.matchAll(/(\d+) passed, (\d+) failed/g)].at(-1) ?? [];
  return { passed: Number(passed ?? 0), failed: Number(failed ?? 0) };
}

function playwrightCount(): Count {
  const { stats } = JSON.parse(readFileSync(`${RESULTS}playwright.json`, "utf8")) as {
    stats: { expected: number; unexpected: number; flaky: number };
  };
  if (stats.flaky > 0) console.log(`${stats.flaky} passed only at the second try`);
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected };
}
