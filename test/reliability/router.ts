/** The page of one browser with its router, driven from Node. */
import { setTimeout as sleep } from "node:timers/promises";
import { startBrowser, type KillableBrowser } from "./browser.js";
import type { harness as Harness } from "./page.js";

declare const harness: typeof Harness;

/** How long a router may take to its shell on a busy machine, in milliseconds. */
const BOOT_MS = 180_000;

export class Router {
  isOn = false;
  onOutput: (text: string) => void = () => undefined;
  readonly #stages = new Map<string, () => void>();

  private constructor(private readonly browser: KillableBrowser) {}

  static async open(profile: string, url: string): Promise<Router> {
    const browser = await startBrowser(profile);
    const router = new Router(browser);
    try {
      await browser.page.exposeFunction("report", (kind: string, text: string) => {
        if (kind === "output") router.onOutput(text);
        else router.#stages.get(text)?.();
      });
      await browser.page.goto(url);
      await browser.page.waitForFunction(() => "harness" in globalThis);
    } catch (error) {
      await browser.kill();
      throw error;
    }
    return router;
  }

  chunks(overlay: string): Promise<string> {
    return this.browser.page.evaluate((name) => harness.chunks(name), overlay);
  }

  forget(overlay: string): Promise<void> {
    return this.browser.page.evaluate((name) => harness.forget(name), overlay);
  }

  /** Resolves when the next boot has come so far. */
  stage(name: "preinit" | "services"): Promise<void> {
    return new Promise((resolve) => this.#stages.set(name, resolve));
  }

  async start(firmware: string, overlay: string): Promise<void> {
    const started = this.browser.page.evaluate(([name, into]) => harness.start(name, into), [
      firmware,
      overlay,
    ] as const);
    await within(BOOT_MS, started, "a shell");
    this.isOn = true;
  }

  /** For a boot that will not end. */
  startAndForget(firmware: string, overlay: string): void {
    this.start(firmware, overlay).catch(() => undefined);
  }

  exec(command: string, stdin?: string): Promise<{ stdout: string; exitCode: number }> {
    return this.browser.page.evaluate(([what, input]) => harness.exec(what, input), [
      command,
      stdin,
    ] as const);
  }

  async destroy(): Promise<void> {
    this.isOn = false;
    await this.browser.page.evaluate(() => harness.destroy());
  }

  kill(): Promise<number> {
    return this.browser.kill();
  }
}

/** @throws {Error} the promise is not settled within the limit in milliseconds */
async function within<T>(limit: number, promise: Promise<T>, what: string): Promise<T> {
  const giveUp = new AbortController();
  const late = sleep(limit, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`${what} did not come within ${limit / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    giveUp.abort();
    late.catch(() => undefined);
  }
}
