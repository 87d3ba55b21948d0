/** The router's own web interface, served by the router, as a view of `<openwrt-playground>` beside its console. */
import type { FrameLocator, Page } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { expect, Router, test } from "./fixtures.js";

/** The frame that shows the router's pages. */
function routerPage(page: Page): FrameLocator {
  return page.locator("openwrt-web iframe").contentFrame().locator("iframe").contentFrame();
}

test("the router's page is shown, its form changes the router, its backup is saved", async ({
  page,
  router,
}) => {
  await page.getByRole("tab", { name: "Web interface" }).click();
  const web = routerPage(page);
  await expect(web.getByRole("heading", { level: 1 })).toHaveText("demo");
  const address = page.locator("openwrt-web").getByRole("textbox");
  await expect(address).toHaveValue("/cgi-bin/status");

  await test.step("a form", async () => {
    await web.getByLabel("Host name").fill("from-the-page");
    await web.getByRole("button", { name: "Save and apply" }).click();
    await expect(web.getByRole("status")).toContainText("Saved");
    expect(await router.output("uci get system.@system[0].hostname")).toBe("from-the-page");
  });
  await test.step("a download", async () => {
    const saved = page.waitForEvent("download");
    await web.getByRole("link", { name: /backup/i }).click();
    const download = await saved;
    expect(download.suggestedFilename()).toMatch(/^backup-.*\.tar\.gz$/);
    // gzip's magic number (RFC 1952).
    expect([...(await readFile(await download.path())).subarray(0, 2)]).toEqual([0x1f, 0x8b]);
  });
  await test.step("back and reload", async () => {
    await page.locator("openwrt-web").getByRole("button", { name: "Reload" }).click();
    await expect(web.getByRole("heading", { level: 1 })).toHaveText("from-the-page");
  });
  await test.step("it comes back after a reboot of the router", async () => {
    await page.evaluate(() => document.querySelector("openwrt-playground")?.machine.reboot());
    await expect(web.getByRole("heading", { level: 1 })).toHaveText("from-the-page");
  });
  await test.step("and at another address of the router", async () => {
    await router.exec("uci set network.lan.ipaddr=192.168.77.1; uci commit network; reload_config");
    await page.locator("openwrt-web").getByRole("button", { name: "Reload" }).click();
    await expect(web.getByText("192.168.77.1/24")).toBeVisible();
  });
});

test("tabs by mouse and arrow keys; the pane's code comes when it is first shown", async ({
  page,
  site,
}) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const scripts: string[] = [];
  page.on("request", (request) => scripts.push(request.url()));
  await page.goto(`${site}?firmware=demo`);
  await new Router(page).reaches("running");
  const tab = (name: string) => page.getByRole("tab", { name });
  await expect(tab("Console")).toHaveAttribute("aria-selected", "true");
  await expect(page.locator("openwrt-terminal textarea")).toBeVisible();
  expect(scripts.filter((url) => url.includes("openwrt-web"))).toEqual([]);
  await tab("Console").focus();
  await page.keyboard.press("ArrowRight");
  await expect(tab("Web interface")).toBeFocused();
  await expect(page.getByRole("tabpanel")).toHaveCount(1);
  await expect(routerPage(page).getByRole("heading", { level: 1 })).toHaveText("demo");
  await expect(page.locator("openwrt-terminal textarea")).toBeHidden();
  if (process.env["SCREENSHOTS"])
    await page.screenshot({ path: `${process.env["SCREENSHOTS"]}/tabs-360.png` });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await tab("Console").click();
  await expect(page.locator("openwrt-terminal textarea")).toBeVisible();
});

test("side by side where there is room", async ({ router: { page } }) => {
  await page.getByRole("button", { name: "Side by side" }).click();
  await expect(routerPage(page).getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator("openwrt-terminal textarea")).toBeVisible();
  await expect(page.getByRole("tab")).toHaveCount(0);
  await page.emulateMedia({ colorScheme: "dark" });
  if (process.env["SCREENSHOTS"])
    await page.screenshot({ path: `${process.env["SCREENSHOTS"]}/beside-1100.png` });
  await page.setViewportSize({ width: 700, height: 740 });
  await expect(page.getByRole("tab", { name: "Console" })).toBeVisible();
});
