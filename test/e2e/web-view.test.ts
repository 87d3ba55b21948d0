/** The web interface as a view of `<openwrt-playground>`, beside its console. */
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.js";

test.setTimeout(60_000);

/** Opens the site with a router whose web server is a stand-in, and which need not boot for it. */
async function openSite(page: Page, site: string): Promise<void> {
  await page.addInitScript(() => {
    // Until Machine has `exchange` of its own.
    Object.defineProperty(EventTarget.prototype, "exchange", {
      configurable: true,
      value: ({ target }: { target: string }) =>
        Promise.resolve({
          status: 200,
          statusText: "OK",
          headers: [["Content-Type", "text/html"]],
          body: new Blob([`<h1>Router at ${target}</h1>`]).stream(),
        }),
    });
  });
  await page.goto(`${site}?firmware=demo`);
}

test("tabs by mouse and arrow keys; the pane's code comes when it is first shown", async ({
  page,
  site,
}) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const scripts: string[] = [];
  page.on("request", (request) => scripts.push(request.url()));
  await openSite(page, site);
  const tab = (name: string) => page.getByRole("tab", { name });
  await expect(tab("Console")).toHaveAttribute("aria-selected", "true");
  await expect(page.locator("openwrt-terminal textarea")).toBeVisible();
  expect(scripts.filter((url) => url.includes("openwrt-web"))).toEqual([]);
  await tab("Console").focus();
  await page.keyboard.press("ArrowRight");
  await expect(tab("Web interface")).toBeFocused();
  await expect(page.getByRole("tabpanel")).toHaveCount(1);
  const router = page.locator("openwrt-web iframe").contentFrame().locator("iframe").contentFrame();
  await expect(router.getByRole("heading")).toHaveText("Router at /");
  await expect(page.locator("openwrt-terminal textarea")).toBeHidden();
  if (process.env["SCREENSHOTS"])
    await page.screenshot({ path: `${process.env["SCREENSHOTS"]}/tabs-360.png` });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await tab("Console").click();
  await expect(page.locator("openwrt-terminal textarea")).toBeVisible();
});

test("side by side where there is room", async ({ page, site }) => {
  await openSite(page, site);
  await page.getByRole("button", { name: "Side by side" }).click();
  const router = page.locator("openwrt-web iframe").contentFrame().locator("iframe").contentFrame();
  await expect(router.getByRole("heading")).toBeVisible();
  await expect(page.locator("openwrt-terminal textarea")).toBeVisible();
  await expect(page.getByRole("tab")).toHaveCount(0);
  await page.emulateMedia({ colorScheme: "dark" });
  if (process.env["SCREENSHOTS"])
    await page.screenshot({ path: `${process.env["SCREENSHOTS"]}/beside-1100.png` });
  await page.setViewportSize({ width: 700, height: 740 });
  await expect(page.getByRole("tab", { name: "Console" })).toBeVisible();
});
