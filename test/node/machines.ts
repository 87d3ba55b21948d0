/** Machines of the project's own files, and programs that have some. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../scripts/lib/paths.js";
import { projectFiles } from "../../src/cli/project-files.js";
import { createMachine, type Machine, type NodeMachineOptions } from "../../src/host/node.js";

/** The demo, from its factory state when there is one. */
export function demo(options: Omit<NodeMachineOptions, "firmware"> = {}): Promise<Machine> {
  return createMachine({
    ...options,
    firmware: "demo",
    assets: projectFiles(ROOT, { states: true }),
  });
}

const workshop = mkdtempSync(join(tmpdir(), "playground-node-"));
process.on("exit", () => rmSync(workshop, { recursive: true, force: true }));

/** A folder that is removed when the process ends. */
export function makeFolder(): string {
  return mkdtempSync(join(workshop, "folder-"));
}

/** A program of test/node/programs/ that runs. */
export interface Program {
  readonly process: ChildProcess;
  /** Resolves with the next line of its output. @throws {Error} it ended before that */
  line(): Promise<string>;
  /** Resolves when it has ended. @returns its exit code; the signal that ended it */
  ended(): Promise<number | NodeJS.Signals>;
}

export function startProgram(name: string, ...args: string[]): Program {
  const path = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", path, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal ?? 1));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`The program ${name} ended (${await ended}).`);
      return value as string;
    },
    ended: () => ended,
  };
}
