/** A page with `<openwrt-web>` alone and a machine that is a stand-in, for the tests of the pane. */
import type { FrameLocator, Page } from "@playwright/test";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { DIST, ROOT } from "../../scripts/lib/paths.js";
import { serve } from "../../scripts/lib/serve.js";
import { expect, test as base } from "./fixtures.js";
import { type FakeRouter, fakeRouter } from "./fake-router.js";

const BUILT = ["playground", "router-bridge.html", "router-bridge.js", "router-service-worker.js"];
const PAGE = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
  <title>Pane</title>
  <style>:root{color-scheme:light dark} body{margin:0} h1{position:absolute;clip-path:inset(50%)}
  openwrt-web{height:100vh}</style>
  <main><h1>Pane</h1></main><script type="module" src="fake-machine.js"></script>`;

export interface PaneOptions {
  /** attributes of the element; `PORT` is the site's. Default: the guest origin that `npm start` serves */
  readonly attributes?: Record<string, string>;
  /** machineKey of the element */
  readonly key?: string;
  /** state of the machine at first. Default "running" */
  readonly state?: string;
}

/** Paths that the site has served. */
export const served: string[] = [];

/** `paneSite`: the built files as `npm start` serves them, and a page for a pane. */
export const test = base.extend<
  { fake: FakeRouter; open: (page: Page, options?: PaneOptions) => Promise<Pane> },
  { paneSite: string }
>({
  paneSite: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), "playground-pane-"));
      for (const name of BUILT) await symlink(DIST + name, join(folder, name));
      await writeFile(join(folder, "pane.html"), PAGE);
      await build({
        entryPoints: [`${ROOT}test/e2e/fake-machine.ts`],
        outfile: join(folder, "fake-machine.js"),
        format: "esm",
        bundle: true,
      });
      const server = await serve(folder, 0, (path) => served.push(path));
      await use(server.url);
      await server.close();
      await rm(folder, { recursive: true });
    },
    { scope: "worker" },
  ],
  // eslint-disable-next-line no-empty-pattern
  fake: async ({}, use) => {
    const fake = await fakeRouter();
    await use(fake);
    fake.close();
  },
  open: async ({ paneSite, fake }, use) => {
    await use(async (page, options = {}) => {
      await page.goto(`${paneSite}pane.html`);
      const { port } = new URL(paneSite);
      const attributes = options.attributes ?? { "guest-origin": "http://*.router.localhost:PORT" };
      const filled = Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [name, value.replace("PORT", port)]),
      );
      const { state = "running", key = null } = options;
      await page.waitForFunction(() => "openPane" in window);
      await page.evaluate(
        ([gateway, ...given]) => (window as unknown as FakePage).openPane(gateway, ...given),
        [fake.gateway, state, filled, key] as const,
      );
      return new Pane(page);
    });
  },
});

/** What fake-machine.ts puts into the page. */
export interface FakePage {
  openPane(
    gateway: string,
    state: string,
    attributes: Record<string, string>,
    key: string | null,
  ): void;
  machine: EventTarget & { state: string };
}

export class Pane {
  constructor(readonly page: Page) {}

  /** The router's pages. */
  get frame(): FrameLocator {
    return this.page.locator("openwrt-web iframe").contentFrame().locator("iframe").contentFrame();
  }
  get heading() {
    return this.frame.getByRole("heading");
  }
  get path() {
    return this.page.getByLabel("Path on the router");
  }
  button(name: string) {
    return this.page.getByRole("button", { name, exact: true });
  }
  async go(path: string): Promise<void> {
    await this.path.fill(path);
    await this.path.press("Enter");
  }
  async setState(state: string): Promise<void> {
    await this.page.evaluate((value) => {
      const { machine } = window as unknown as FakePage;
      machine.state = value;
      machine.dispatchEvent(new Event("statechange"));
    }, state);
  }
  /** Runs code in the router's page, as the router's own scripts would. */
  async run<T, A = undefined>(code: (root: Element, given: A) => T | Promise<T>, given?: A) {
    return this.frame.locator("html").evaluate(code as (root: Element, given: unknown) => T, given);
  }
}

export { expect };
