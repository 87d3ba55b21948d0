/**
 * `npm test`: builds, then runs every suite, and ends with one line "N passed, N failed".
 * Chromium comes from CHROME_PATH, from the system, or from Debian's packages.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { chromium, installDebianPackages } from "./lib/chromium.js";
import { ROOT } from "./lib/paths.js";
import { onPath } from "./lib/tools.js";

interface Count {
  passed: number;
  failed: number;
}

const RESULTS = `${ROOT}test-results/`;
const total: Count = { passed: 0, failed: 0 };
process.env["CHROME_PATH"] = chromium();
if (!onPath("sqfstar")) installDebianPackages(["squashfs-tools"]);
rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });

await suite("build", ["npm", "run", "build"], () => ({ passed: 0, failed: 0 }));
await suite("Node", ["npx", "tsx", "--test", "--test-reporter=tap", ...nodeTests()], tapCount);
await suite("modules in Chromium", ["npx", "web-test-runner"], runnerCount);
await suite("whole page", ["npx", "playwright", "test"], playwrightCount);

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

function nodeTests(): string[] {
  const folder = `${ROOT}test/cli`;
  return readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `test/cli/${name}`);
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
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky };
}
