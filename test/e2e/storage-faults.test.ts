import type { Page } from "@playwright/test";
import { readFile } from "node:fs/promises";
import type { ExecResult } from "../../src/elements/index.js";
import { expect, Router, test } from "./fixtures.js";
import { fill, setQuota } from "./quota.js";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

test("a full disk pauses the router; with room again it goes on, and nothing is lost", async ({
  page,
  site,
  router,
}) => {
  const { done } = await fill(router, site);
  const stallsAgain = page.evaluate(() => {
    const { machine } = document.querySelector("openwrt-playground")!;
    return new Promise<void>((resolve) =>
      machine.addEventListener("error", () => resolve(), { once: true }),
    );
  });
  await button(page, "Try again").click();
  await stallsAgain;
  await expect(page.getByRole("alert"), "still no room").toContainText("no room left");
  await setQuota(page, site, undefined);
  await button(page, "Try again").click();
  const { stdout } = (await done) as ExecResult;
  await page.reload();
  await router.reaches("running");
  expect((await router.exec("md5sum < /etc/big")).stdout).toBe(stdout);
});

test("on a full disk a person may go on without saving, and what was saved stays", async ({
  page,
  site,
  router,
}) => {
  const { done } = await fill(router, site);
  await button(page, "Go on without saving").click();
  const { stdout } = (await done) as ExecResult;
  expect((await router.exec("md5sum < /etc/big")).stdout).toBe(stdout);
  await expect(page.getByText("Nothing is saved", { exact: false }).first()).toBeVisible();
  await setQuota(page, site, undefined);
  await page.reload();
  await router.reaches("running");
  expect(await router.output("cat /etc/before")).toBe("before");
});

test("on a full disk a person may save a copy, with the pending writes, and restore it later", async ({
  page,
  site,
  router,
}) => {
  await fill(router, site);
  const downloading = page.waitForEvent("download");
  await page.getByRole("alert").getByRole("button", { name: "Save a copy…" }).click();
  const copy = await (await downloading).path();
  await setQuota(page, site, undefined);

  await page.goto(`${site}?firmware=demo&overlay=restored`);
  await router.reaches("running");
  await button(page, "Storage…").click();
  await page.locator("input[type=file]").setInputFiles({
    name: "copy.owpg",
    mimeType: "application/octet-stream",
    buffer: await readFile(copy),
  });
  await expect(page.getByText("The copy was restored.")).toBeVisible();
  expect(await router.output("cat /etc/before")).toBe("before");
});

test("a router whose changes cannot be saved is not given to another tab, which says why", async ({
  context,
  page,
  site,
  router,
}) => {
  await fill(router, site);
  const other = await context.newPage();
  await other.goto(`${site}?firmware=demo`);
  await new Router(other).reaches("failed");
  await button(other, "Take over").click();
  await expect(other.getByRole("alert")).toContainText("changes that it could not save");
  expect(await router.state()).toBe("running");

  // Going on without saving saves nothing either.
  await page.bringToFront();
  await button(page, "Go on without saving").click();
  await other.bringToFront();
  await button(other, "Take over").click();
  await expect(other.getByRole("alert")).toContainText("changes that it could not save");
  expect(await router.output("cat /etc/before")).toBe("before");
});

test("data deleted underneath is told, and the router's files can still be read", async ({
  context,
  page,
  site,
  router,
}) => {
  await router.output("echo precious > /etc/precious; sync");
  const session = await context.newCDPSession(page);
  await session.send("Storage.clearDataForOrigin", {
    origin: new URL(site).origin,
    storageTypes: "indexeddb",
  });
  void router.exec("echo more > /etc/more; sync").catch(() => undefined);
  await expect(page.getByRole("alert")).toContainText("was deleted by the browser");
  await button(page, "Go on without saving").click();
  await expect
    .poll(() => router.output("cat /etc/precious /etc/more 2>/dev/null || true"))
    .toBe("precious\nmore");
});

test("a newer version of the page in another tab pauses this one, and what is stored is not touched", async ({
  context,
  page,
  site,
  router,
}) => {
  await router.output("echo kept > /etc/kept; sync");
  const other = await context.newPage();
  await other.goto(`${site}icon.svg`);
  const kept = await other.evaluate(async () => {
    const { name = "" } = (await indexedDB.databases())[0] ?? {};
    return new Promise<number>((resolve, reject) => {
      const request = indexedDB.open(name, 99);
      request.onerror = () => reject(new Error(String(request.error)));
      request.onsuccess = () => {
        const store = request.result.objectStoreNames[0] ?? "";
        const count = request.result.transaction(store).objectStore(store).count();
        count.onsuccess = () => (request.result.close(), resolve(count.result));
      };
    });
  });
  expect(kept).toBeGreaterThan(1);
  await page.bringToFront();
  void router.exec("echo more > /etc/more; sync").catch(() => undefined);
  await expect(page.getByRole("alert")).toContainText("newer version of this page");
});

test("damaged data is refused and left alone until the person resets the router", async ({
  page,
  site,
  router,
}) => {
  await page.goto(`${site}icon.svg`);
  await page.evaluate(async () => {
    const { name = "" } = (await indexedDB.databases())[0] ?? {};
    await new Promise<void>((resolve) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => {
        const db = request.result;
        const change = db.transaction("overlay", "readwrite");
        change.objectStore("overlay").put("garbage", "header");
        change.oncomplete = () => (db.close(), resolve());
      };
    });
  });
  await page.goto(`${site}?firmware=demo`);
  await router.reaches("failed");
  await expect(page.getByRole("alert")).toContainText("is damaged and cannot be used");
  await page.getByRole("alert").getByRole("button", { name: "Reset…" }).click();
  await button(page, "Reset the router").click();
  await router.reaches("running");
  await expect(page.getByText(/^Nothing changed yet/).first()).toBeVisible();
  await router.output("echo new > /etc/new; sync");
  await expect(page.getByText(/^[\d.]+ kB of changes saved in this browser/).first()).toBeVisible();
});

test("what is stored, and whether the browser promised to keep it, is shown", async ({
  page,
  router,
}) => {
  await router.output("echo new > /etc/new; sync");
  await expect(page.getByText(/^[\d.]+ kB of changes saved in this browser/).first()).toBeVisible();
  await button(page, "Storage…").click();
  const dialog = page.getByRole("dialog", { name: "What is stored" });
  await expect(dialog).toContainText(/promised to keep|may delete this site's data/);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});
