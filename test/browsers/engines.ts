/** The three browser engines behind one interface, from Debian's packages. */
import { existsSync } from "node:fs";
import { chromium, installDebianPackages } from "../../scripts/lib/chromium.js";
import { onPath } from "../../scripts/lib/tools.js";
import { openChromium, openFirefox } from "./puppeteer.js";
import { MINI_BROWSER, openWebKit } from "./webkit.js";

export interface Tab {
  /** Resolves when the page is complete. Also the way to load the same page again. */
  goto(url: string): Promise<void>;
  /**
   * Runs the body of an async function in the page. As text, for it must not depend on what a transpiler adds.
   *
   * @param args the function's `args`, as JSON
   * @returns what it returned, through JSON
   * @throws {Error} with the message of what it threw
   */
  run(body: string, ...args: readonly unknown[]): Promise<unknown>;
  /** What an expression is in every frame of the tab, nested ones included; frames that do not answer are left out. */
  inFrames(expression: string): Promise<unknown[]>;
}

export interface Browser {
  /** with the engine's name */
  readonly version: string;
  readonly tabs: readonly [Tab, Tab];
  /** the first process */
  readonly pid: number;
  /** SIGKILL for every process. */
  kill(): Promise<void>;
}

/** How much a site may store. */
export interface Room {
  /** URL of the site */
  readonly site: string;
  readonly bytes: number;
}

export interface Engine {
  readonly name: EngineName;
  /** Installs what is missing. */
  install(): void;
  /**
   * @param profile directory of its own; what an earlier browser stored there is there again
   * @param room as much as the browser has by itself, when not given
   */
  open(profile: string, room?: Room): Promise<Browser>;
}

export type EngineName = "chromium" | "firefox" | "webkit";

export const ENGINES: readonly Engine[] = [
  { name: "chromium", install: () => void chromium(), open: openChromium },
  { name: "firefox", install: () => installMissing(FIREFOX), open: openFirefox },
  { name: "webkit", install: () => installMissing(WEBKIT), open: openWebKit },
];

type Needs = readonly (readonly [isThere: () => boolean, packageName: string])[];

const FIREFOX: Needs = [[() => onPath("firefox-esr"), "firefox-esr"]];
const WEBKIT: Needs = [
  [() => existsSync(MINI_BROWSER), "webkit2gtk-driver"],
  [() => onPath("Xvfb"), "xvfb"],
];

function installMissing(needs: Needs): void {
  const missing = needs.filter(([isThere]) => !isThere()).map(([, name]) => name);
  if (missing.length > 0) installDebianPackages(missing);
}
