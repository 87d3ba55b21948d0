/**
 * Entry of `npm run firmware`. Ctrl-C lets the command clean up before it ends; npm and tsx pass it on, so that it may
 * come several times.
 */
import { fileURLToPath } from "node:url";
import { run } from "./run.js";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => interrupt.abort());

process.exitCode = await run(process.argv.slice(2), {
  project: fileURLToPath(new URL("../..", import.meta.url)),
  // npm runs scripts in the project's folder and keeps the caller's here.
  workingDirectory: process.env["INIT_CWD"] ?? process.cwd(),
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  signal: interrupt.signal,
});
