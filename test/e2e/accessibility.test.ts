import type * as Axe from "axe-core";
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { ROOT } from "../../scripts/lib/paths.js";
import { expect, Router, test } from "./fixtures.js";

/** What axe-core finds on the page as it is, as "rule: element". */
async function violations(page: Page): Promise<string[]> {
  const axe = await readFile(`${ROOT}node_modules/axe-core/axe.min.js`, "utf8");
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof Axe };
    const found: Axe.AxeResults = await axe.run({
      include: [["html"]],
      // Terminal output has the colours the guest asked for; xterm itself keeps a contrast of 4.5.
      exclude: [{ fromShadowDom: ["openwrt-playground", "openwrt-terminal", ".xterm-screen"] }],
    });
    return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
  });
}

for (const colorScheme of ["light", "dark"] as const)
  test(`the page is accessible and fits 360 px in every state (${colorScheme})`, async ({
    page,
    site,
  }) => {
    const router = new Router(page);
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 740 });
    const look = async () => {
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    };
    await page.goto(`${site}?firmware=demo`);
    await router.reaches("booting");
    await look();
    await router.reaches("running");
    await look();
    await page.getByRole("button", { name: "Reset…" }).click();
    await look();
    await page.keyboard.press("Escape");
    await page.evaluate(() => document.querySelector("openwrt-playground")!.machine.powerOff());
    await look();
    await page.goto(`${site}?firmware=no-such-router`);
    await router.reaches("failed");
    await look();
  });

test("screen reader mode gives the console's lines to assistive technology", async ({
  router: { page },
}) => {
  const toggle = page.getByRole("button", { name: "Screen reader mode" });
  await toggle.click();
  await expect(toggle).toHaveAttribute("aria-pressed", "true");
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type("echo read-me-aloud\n");
  await expect(page.locator(".xterm-accessibility")).toContainText("read-me-aloud");
});
