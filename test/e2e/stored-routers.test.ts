import type { Page } from "@playwright/test";
import { expect, Router, test } from "./fixtures.js";

/** Starts a router of this name and has it store a file that says so. */
async function makeRouter(page: Page, site: string, name: string): Promise<Router> {
  const router = new Router(page);
  await page.goto(`${site}?firmware=demo&overlay=${name}`);
  await router.reaches("running");
  await router.output(`echo ${name} > /etc/name; sync`);
  await expect.poll(async () => (await router.storage()).chunks).toBeGreaterThan(0);
  return router;
}

test("every stored router is listed, and can be renamed, duplicated, saved, opened and deleted", async ({
  page,
  site,
}) => {
  await makeRouter(page, site, "one");
  const router = await makeRouter(page, site, "two");
  await page.getByRole("button", { name: "Storage" }).click();
  const list = page.getByRole("list", { name: "Routers stored in this browser" });
  const item = (name: string) =>
    list
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: new RegExp(`^${name} `) }) });
  await expect(list.getByRole("listitem")).toHaveCount(2);
  await expect(item("one")).toContainText(/\d B|\d kB|\d MB/);
  await expect(item("one")).toContainText("changed ");
  await expect(item("one")).not.toContainText("in use now");
  await expect(item("two")).toContainText("in use now");

  // The one that runs here is held: it is said, and nothing happens to it.
  await item("two").getByRole("button", { name: "Delete" }).click();
  await expect(
    page
      .getByRole("dialog")
      .getByRole("status")
      .filter({ hasText: /running|in use/ }),
  ).toBeVisible();
  await expect(item("two")).toBeVisible();

  await item("one").getByRole("button", { name: "Rename" }).click();
  await page.getByLabel("New name of “one”").fill("uno");
  await page.keyboard.press("Enter");
  await expect(item("uno")).toBeVisible();
  await expect(item("one")).toHaveCount(0);
  await item("uno").getByRole("button", { name: "Duplicate" }).click();
  await page.getByLabel("Name of the copy of “uno”").fill("due");
  await page.keyboard.press("Enter");
  await expect(item("due")).toBeVisible();
  const saved = page.waitForEvent("download");
  await item("due").getByRole("button", { name: "Save a copy" }).click();
  expect((await saved).suggestedFilename()).toBe("due.owpg");

  await item("due").getByRole("button", { name: "Open" }).click();
  await page.waitForURL(/overlay=due/);
  await router.reaches("running");
  expect(await router.output("cat /etc/name")).toBe("one");

  await page.getByRole("button", { name: "Storage" }).click();
  await item("uno").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(item("uno").getByRole("button", { name: "Delete" })).toBeEnabled();
  await item("uno").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the router" }).click();
  await expect(item("uno")).toHaveCount(0);
  await expect(list.getByRole("listitem")).toHaveCount(2);
});
