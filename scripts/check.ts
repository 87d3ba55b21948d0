/** `npm run check`: format, lint, types and committed artifacts; all of them, also when one fails. */
import { spawnSync } from "node:child_process";
import { ROOT } from "./lib/paths.js";

const CHECKS = [
  ["npx", "prettier", "--check", "--log-level", "warn", "."],
  ["npx", "eslint", "."],
  ["npx", "tsc", "--noEmit"],
  ["npm", "run", "--silent", "check:artifacts"],
];

for (const [program = "", ...args] of CHECKS) {
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: "inherit" });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${[program, ...args].join(" ")}`);
  if (status !== 0) process.exitCode = 1;
}
