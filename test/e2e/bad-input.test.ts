import { readFile } from "node:fs/promises";
import { DIST } from "../../scripts/lib/paths.js";
import { blockSiteData, expect, launch, Router, test } from "./fixtures.js";

const MANIFEST = `${DIST}playground/images/demo/firmware.json`;

test("a firmware whose digest is wrong is refused in one sentence, and what is stored stays", async ({
  page,
  router,
}) => {
  await router.output("echo kept > /etc/kept; sync");

  const damaged = (await readFile(MANIFEST, "utf8")).replace(
    /("root"[^}]*"sha256": *")./s,
    (_, head: string) => `${head}0`,
  );
  const wrong = damaged.replace(/("root"[^}]*"sha256": *"0)./s, (_, head: string) => `${head}f`);
  await page.route("**/images/demo/firmware.json", (route) => route.fulfill({ body: wrong }));
  await page.reload();
  await router.reaches("failed");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText(/damaged|does not match|digest/i);
  await expect(alert).not.toContainText("at ");

  await page.unroute("**/images/demo/firmware.json");
  await page.getByRole("button", { name: "Try again" }).click();
  await router.reaches("running");
  expect(await router.output("cat /etc/kept")).toBe("kept");
});

test("a firmware that does not exist is said so", async ({ page, site }) => {
  const router = new Router(page);
  await page.goto(`${site}?firmware=no-such-router`);
  await router.reaches("failed");
  await expect(page.getByRole("alert")).toContainText("no-such-router");
});

for (const query of ["firmware=../../secret", "overlay=a/../b", "firmware=<img src=x>", "overlay="])
  test(`a hostile name is refused (${query})`, async ({ page, site }) => {
    await page.goto(`${site}?${query}`);
    await expect(page.getByRole("alert")).toContainText(/not a name|cannot name/);
    await expect(page.locator("img")).toHaveCount(0);
  });

test("a browser that refuses to store is told plainly, and nothing runs unsaved in silence", async ({
  profile,
  site,
}) => {
  await blockSiteData(profile);
  const context = await launch(profile);
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    const router = new Router(page);
    await page.goto(`${site}?firmware=demo`);
    await router.reaches("failed");
    await expect(page.getByRole("alert")).toContainText("does not let the page store data");
  } finally {
    await context.close();
  }
});

test("a second tab of the same overlay says that the router runs elsewhere", async ({
  context,
  site,
  router: { page },
}) => {
  const second = await context.newPage();
  await second.goto(`${site}?firmware=demo`);
  await new Router(second).reaches("failed");
  await expect(second.getByRole("alert")).toContainText("already running in another tab");
  await page.close();
  await second.getByRole("button", { name: "Try again" }).click();
  await new Router(second).reaches("running");
});
