/** The pane as people see it and as assistive technology reads it. SCREENSHOTS names a folder for pictures. */
import type * as Axe from "axe-core";
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { ROOT } from "../../scripts/lib/paths.js";
import { expect, test } from "./web-pane-page.js";

test.setTimeout(60_000);
const GUEST = { "guest-origin": "http://*.router.localhost:PORT" };

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(`${ROOT}node_modules/axe-core/axe.min.js`, "utf8"));
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof Axe };
    // What is in the frame is the router's.
    const found = await axe.run(document, { iframes: false });
    return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
  });
}

for (const colorScheme of ["light", "dark"] as const)
  for (const width of [360, 1100])
    test(`every state is accessible and fits (${colorScheme}, ${width} px)`, async ({
      page,
      open,
      fake,
    }) => {
      const look = async (name: string) => {
        const folder = process.env["SCREENSHOTS"];
        const path = `${folder ?? ""}/${name}-${colorScheme}-${width}.png`;
        if (folder) await page.screenshot({ path });
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      };
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 640 });
      fake.listening = false;
      const pane = await open(page, { attributes: GUEST, state: "off" });
      await expect(page.getByText("The router is off.")).toBeVisible();
      await look("off");
      await pane.setState("running");
      await expect(page.getByText("Starting web server…")).toBeVisible();
      await look("starting");
      fake.listening = true;
      await pane.frame.locator("[name=luci_password]").fill("x");
      await pane.frame.getByRole("button").click();
      await expect(pane.frame.locator("#who")).toHaveText("signed in");
      await look("shown");
      await pane.frame.locator("#out").click();
      await expect(page.getByRole("link", { name: "Open in a new tab" })).toBeVisible();
      await look("outside");
      await pane.go("/basic");
      await expect(page.getByLabel("Password")).toBeVisible();
      await look("sign-in");
      await pane.go("/gzip");
      await expect(pane.heading).toHaveText("Compressed");
      await look("light-only");
      await pane.go("/https");
      await expect(pane.heading).toHaveText("This page leads out of the router");
      await look("error");
      await open(page, { attributes: {} });
      await expect(page.getByText("This site names none.")).toBeVisible();
      await look("unconfigured");
    });
