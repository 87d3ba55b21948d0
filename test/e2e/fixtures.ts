import { test as base, chromium, type BrowserContext, type Page } from "@playwright/test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHROMIUM_FLAGS, chromium as chromiumPath } from "../../scripts/lib/chromium.js";
import { DIST } from "../../scripts/lib/paths.js";
import { serve } from "../../scripts/lib/serve.js";
import type { ExecResult, Machine, StorageReport } from "../../src/elements/index.js";

/** Starts a browser on a profile directory, so that storage is on disk. */
export function launch(profile: string, flags: string[] = []): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    args: [...CHROMIUM_FLAGS, "--disable-features=Translate,MediaRouter", ...flags],
    viewport: { width: 1100, height: 900 },
  });
}

/** Preferences of a profile in which sites may not store data. */
export async function blockSiteData(profile: string): Promise<void> {
  await mkdir(join(profile, "Default"), { recursive: true });
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile, "Default", "Preferences"), JSON.stringify(preferences));
}

interface Fixtures {
  profile: string;
  context: BrowserContext;
  page: Page;
  /** the demo's router, running in the page */
  router: Router;
}

export const test = base.extend<Fixtures, { site: string }>({
  site: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const server = await serve(DIST, 0);
      await use(server.url);
      await server.close();
    },
    { scope: "worker" },
  ],
  // eslint-disable-next-line no-empty-pattern
  profile: async ({}, use) => {
    const profile = await mkdtemp(join(tmpdir(), "playground-profile-"));
    await use(profile);
    await rm(profile, { recursive: true, force: true });
  },
  context: async ({ profile }, use) => {
    const context = await launch(profile);
    await use(context);
    await context.close();
  },
  page: async ({ context }, use) => {
    const page = context.pages()[0] ?? (await context.newPage());
    await use(page);
  },
  router: async ({ page, site }, use) => {
    const router = new Router(page);
    await page.goto(`${site}?firmware=demo`);
    await router.reaches("running");
    await use(router);
  },
});

/** The router of a page, driven through its public API. */
export class Router {
  constructor(readonly page: Page) {}

  /** Waits for the router's state. */
  async reaches(state: Machine["state"]): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => document.querySelector("openwrt-playground")?.machine.state === wanted,
      state,
      { timeout: 120_000 },
    );
  }

  async exec(
    command: string,
    options: { stdin?: string; timeout?: number } = {},
  ): Promise<ExecResult> {
    return this.page.evaluate(
      ([text, given]) => {
        const element = document.querySelector("openwrt-playground");
        if (!element) throw new Error("There is no router on this page.");
        return element.machine.exec(text, given);
      },
      [command, options] as const,
    );
  }

  /** Standard output of a command that must succeed, without the last line's end. */
  async output(command: string): Promise<string> {
    const { stdout, stderr, exitCode } = await this.exec(command);
    if (exitCode !== 0) throw new Error(`${command}: exit ${exitCode}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** Everything its terminal holds, scrollback included. */
  async screen(): Promise<string> {
    return this.page.evaluate(() => {
      const root = document.querySelector("openwrt-playground")?.shadowRoot;
      return root?.querySelector("openwrt-terminal")?.text() ?? "";
    });
  }

  async storage(): Promise<StorageReport> {
    return this.page.evaluate(() => {
      const element = document.querySelector("openwrt-playground");
      if (!element) throw new Error("There is no router on this page.");
      return element.machine.storage();
    });
  }

  async state(): Promise<string> {
    return this.page.evaluate(
      () => document.querySelector("openwrt-playground")?.machine.state ?? "no router",
    );
  }
}

export { expect } from "@playwright/test";
