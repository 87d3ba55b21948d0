/** The router of a tab, by the element's public API; the same in every engine. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Tab } from "./engines.js";

const REACHES_MS = 120_000;
const MACHINE = `const element = document.querySelector("openwrt-playground"); const machine = element?.machine;`;

export class RouterTab {
  /** @param url of the page with this router */
  constructor(
    readonly tab: Tab,
    readonly url: string,
  ) {}

  /** Loads the page, or loads it again, and waits until the router runs. */
  async load(state = "running"): Promise<void> {
    await this.tab.goto(this.url);
    await this.reaches(state);
  }

  /** Runs the body of an async function in the page, with `machine`, `element` and `args`. */
  run(body: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.tab.run(`${MACHINE} ${body}`, ...args);
  }

  async reaches(state: string): Promise<void> {
    await this.until(
      state,
      "return machine?.state + (machine?.error ? `: ${machine.error}` : '')",
      (is) => is === state || String(is).startsWith(`${state}:`),
    );
  }

  /** Waits until what is asked in the page is as wanted. */
  async until(what: string, body: string, isWanted: (value: unknown) => boolean): Promise<void> {
    await waitFor(what, () => this.run(body), isWanted);
  }

  /** Standard output of a command that must succeed, without the last line's end. */
  async output(command: string): Promise<string> {
    const result = (await this.run("return machine.exec(args[0])", command)) as {
      stdout: string;
      stderr: string;
      exitCode: number;
    };
    if (result.exitCode !== 0)
      throw new Error(`${command}: exit ${result.exitCode}: ${result.stderr}`);
    return result.stdout.trimEnd();
  }
}

/** @throws {Error} saying what it was instead, after two minutes */
export async function waitFor(
  what: string,
  ask: () => Promise<unknown>,
  isWanted: (value: unknown) => boolean,
): Promise<void> {
  let value: unknown;
  for (const end = Date.now() + REACHES_MS; Date.now() < end; await sleep(100)) {
    value = await ask();
    if (isWanted(value)) return;
  }
  throw new Error(`waited for ${what}, it is ${JSON.stringify(value)}`);
}
