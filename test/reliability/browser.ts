/** A real Chromium on a profile directory that can be killed as a crash or a power cut would: all of it, at once. */
import { spawn, type ChildProcess } from "node:child_process";
import { chromium as playwright, type Browser, type Page } from "playwright-core";
import { CHROMIUM_FLAGS, chromium } from "../../scripts/lib/chromium.js";
import { killAll, signal } from "./processes.js";

const START_MS = 60_000;

export interface KillableBrowser {
  readonly page: Page;
  /**
   * SIGKILL for every process of the browser.
   *
   * @returns how many processes there were, when none is left
   * @throws {Error} one is still there
   */
  kill(): Promise<number>;
}

/** @param profile directory of its own; what an earlier browser stored there is there again */
export async function startBrowser(profile: string): Promise<KillableBrowser> {
  const flags = [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, "--remote-debugging-port=0"];
  // A group of its own, so that one signal reaches all.
  const child = spawn(chromium(), [...flags, "about:blank"], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("Chromium could not be started.");
  const orphaned = () => signal(-pid);
  process.once("exit", orphaned);
  let killed: Promise<number> | undefined;
  // Once only: its number may soon belong to somebody else.
  const kill = () => {
    process.off("exit", orphaned);
    return (killed ??= killAll(pid, profile));
  };
  let browser: Browser;
  try {
    browser = await playwright.connectOverCDP(await debuggingAddress(child));
  } catch (error) {
    await kill();
    throw error;
  }
  const page = browser.contexts()[0]?.pages()[0];
  if (!page) throw new Error("Chromium opened no page.");
  return { page, kill };
}

/** Chromium prints it on standard error. */
function debuggingAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const timer = setTimeout(
      () => reject(new Error(`Chromium did not start:\n${output}`)),
      START_MS,
    );
    child.stderr?.on("data", (data: Buffer) => {
      output = (output + data.toString()).slice(-4096);
      const address = /DevTools listening on (ws:\S+)/.exec(output)?.[1];
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    });
    child.once("exit", () => reject(new Error(`Chromium ended:\n${output}`)));
  });
}
