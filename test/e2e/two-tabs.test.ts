import type { BrowserContext, Page } from "@playwright/test";
import { expect, Router, test } from "./fixtures.js";

async function openTab(context: BrowserContext, url: string): Promise<[Page, Router]> {
  const page = await context.newPage();
  await page.goto(url);
  return [page, new Router(page)];
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

test("a second tab says who runs the router, takes it over with everything in it, and gives it back", async ({
  context,
  page,
  site,
  router: first,
}) => {
  await first.output("echo unsynced > /etc/from-first");

  const [secondPage, second] = await openTab(context, `${site}?firmware=demo`);
  await second.reaches("failed");
  await expect(secondPage.getByRole("alert")).toContainText("It runs in “OpenWrt Playground");
  await button(secondPage, "Take over").click();
  await second.reaches("running");
  expect(await second.output("cat /etc/from-first")).toBe("unsynced");

  expect(await first.state()).toBe("off");
  await expect(page.getByRole("alert")).toContainText("was taken over by another tab");
  await button(page, "Take it back").click();
  await first.reaches("running");
  expect(await second.state()).toBe("off");
});

test("a copy runs beside the saved router, keeps its own changes over a reboot, and saves nothing", async ({
  context,
  page,
  site,
  router: first,
}) => {
  await first.output("echo stored > /etc/stored; sync");

  const [secondPage, second] = await openTab(context, `${site}?firmware=demo`);
  await second.reaches("failed");
  await button(secondPage, "Run a copy without saving").click();
  await second.reaches("running");
  expect(await second.output("cat /etc/stored")).toBe("stored");
  await expect(secondPage.getByText("Nothing is saved", { exact: false }).first()).toBeVisible();
  await second.output("echo changed > /etc/stored; sync");
  await button(secondPage, "Reboot").click();
  await second.reaches("booting");
  await second.reaches("running");
  expect(await second.output("cat /etc/stored")).toBe("changed");
  await secondPage.close();

  expect(await first.output("cat /etc/stored")).toBe("stored");
  await page.reload();
  await first.reaches("running");
  expect(await first.output("cat /etc/stored")).toBe("stored");
});

test("a tab that crashed frees its router at once", async ({
  context,
  page,
  site,
  router: first,
}) => {
  await first.output("echo kept > /etc/kept; sync");
  const [secondPage, second] = await openTab(context, `${site}?firmware=demo`);
  await second.reaches("failed");
  // The command never answers: its process is gone.
  const session = await context.newCDPSession(page);
  session.send("Page.crash").catch(() => undefined);
  await page.waitForEvent("crash");
  await button(secondPage, "Try again").click();
  await second.reaches("running");
  expect(await second.output("cat /etc/kept")).toBe("kept");
});

test("of several tabs that want the router at once exactly one gets it", async ({
  context,
  site,
  router: first,
}) => {
  const others: Router[] = [];
  for (let tab = 0; tab < 2; tab++)
    others.push((await openTab(context, `${site}?firmware=demo`))[1]);
  for (const other of others) await other.reaches("failed");
  await Promise.all(others.map((other) => button(other.page, "Take over").click()));
  const states = () => Promise.all([first, ...others].map((router) => router.state()));
  await expect
    .poll(async () => (await states()).filter((state) => state === "running").length, {
      timeout: 120_000,
    })
    .toBe(1);
  await expect
    .poll(async () => (await states()).filter((state) => /loading|booting/.test(state)).length)
    .toBe(0);
  expect((await states()).filter((state) => state === "running").length).toBe(1);
});

test("reset works while other tabs are open", async ({ context, page, site, router: first }) => {
  await first.output("echo gone > /etc/gone; sync");
  const [, second] = await openTab(context, `${site}?firmware=demo`);
  await second.reaches("failed");
  await page.bringToFront();
  await button(page, "Reset…").click();
  await button(page, "Reset the router").click();
  await first.reaches("booting");
  await first.reaches("running");
  expect((await first.exec("test -e /etc/gone")).exitCode).toBe(1);
});
