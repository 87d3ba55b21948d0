/** A router that is off, starts, starts again, or answers nonsense: the pane says so and nothing hangs. */
import { expect, test } from "./web-pane-page.js";

test.setTimeout(30_000);
const GUEST = { "guest-origin": "http://*.router.localhost:PORT", path: "/frame?x" };

test("off, starting, shown; after a reboot the same page comes back", async ({
  page,
  open,
  fake,
}) => {
  fake.listening = false;
  const pane = await open(page, { attributes: GUEST, state: "off" });
  await expect(page.getByText("The router is off.")).toBeVisible();
  await pane.setState("booting");
  await expect(page.getByText("Starting web server…")).toBeVisible();
  fake.listening = true;
  await expect(pane.heading).toHaveText("Frame x");
  await pane.go("/cgi-bin/luci/admin/system");
  await expect(pane.heading).toHaveText("System");
  await pane.setState("loading");
  await expect(page.getByText("Starting web server…")).toBeVisible();
  await pane.setState("booting");
  await expect(page.getByText("Starting web server…")).toBeHidden();
  await expect(pane.heading).toHaveText("System");
  await expect(pane.path).toHaveValue("/cgi-bin/luci/admin/system");
});

test("a web server that was stopped is told, and its page comes back with it", async ({
  page,
  open,
  fake,
}) => {
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Frame x");
  fake.listening = false;
  await pane.button("Reload").click();
  await expect(pane.heading).toHaveText("The page could not be loaded");
  await expect(pane.frame.locator("p")).toContainText("Nothing listens on that port");
  fake.listening = true;
  await expect(pane.heading).toHaveText("Frame x");
});

for (const [path, text] of [
  ["/garbage", "not valid HTTP"],
  ["/cut", "cut the connection"],
  ["/headers", "a header of 1048"],
  ["/https", "redirect_https"],
  ["/outside", "https://evil.example/?secret, which was not opened"],
] as const)
  test(`an error page for ${path}`, async ({ page, open }) => {
    const pane = await open(page, { attributes: { ...GUEST, path } });
    await expect(pane.frame.locator("p")).toContainText(text);
    await expect(pane.path).toHaveValue(path);
    await pane.go("/frame?y");
    await expect(pane.heading).toHaveText("Frame y");
  });

for (const path of ["/endless", "/silent"])
  test(`an answer without an end is given up with its page (${path})`, async ({
    page,
    open,
    fake,
  }) => {
    const pane = await open(page, { attributes: GUEST });
    await expect(pane.heading).toHaveText("Frame x");
    await pane.go(path);
    await expect.poll(() => fake.visits.open).toBe(1);
    await pane.go("/frame?y");
    await expect(pane.heading).toHaveText("Frame y");
    await expect.poll(() => fake.visits.open).toBe(0);
    // What a page that is gone asked for, and what a pane that is gone did.
    await pane.run((_, url) => void fetch(url).then((response) => response.text()), path);
    await expect.poll(() => fake.visits.open).toBe(1);
    await pane.go("/frame?z");
    await expect.poll(() => fake.visits.open).toBe(0);
    await pane.run((_, url) => void fetch(url).then((response) => response.text()), path);
    await expect.poll(() => fake.visits.open).toBe(1);
    await page.evaluate(() => document.querySelector("openwrt-web")?.remove());
    await expect.poll(() => fake.visits.open).toBe(0);
  });

test("a body that breaks off fails, as it does without a service worker", async ({
  page,
  open,
}) => {
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Frame x");
  const outcome = await pane.run(() =>
    fetch("/half")
      .then((response) => response.text())
      .catch((error: unknown) => (error as Error).name),
  );
  expect(outcome).toBe("TypeError");
});

test("the service worker may be killed at any time", async ({ page, open, fake }) => {
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Frame x");
  // Once its answer has begun; before, Chromium starts the worker again and asks again.
  await pane.run(() => fetch("/endless").then(() => undefined));
  await expect.poll(() => fake.visits.open).toBe(1);
  const session = await page.context().newCDPSession(page);
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.stopAllWorkers");
  await expect.poll(() => fake.visits.open).toBe(0);
  await pane.go("/frame?z");
  await expect(pane.heading).toHaveText("Frame z");
});

test("the service worker looks for its bridge once, and again when another took its place", async ({
  page,
  open,
}) => {
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Frame x");
  const [worker] = page.context().serviceWorkers();
  await worker!.evaluate(() => {
    const { locks } = navigator;
    const query = locks.query.bind(locks);
    const looks = Object.assign(globalThis, { looks: 0 });
    locks.query = () => {
      looks.looks++;
      return query();
    };
  });
  const looks = () => worker!.evaluate(() => (globalThis as unknown as { looks: number }).looks);
  await pane.run(async () => {
    for (let count = 0; count < 20; count++) await (await fetch("/echo")).text();
  });
  expect(await looks()).toBe(0);
  // The element makes its pane anew, and with it the bridge.
  await page.evaluate(() => {
    const element = document.querySelector("openwrt-web");
    if (element) element.parentElement?.append(element);
  });
  await expect(pane.heading).toHaveText("Frame x");
  await pane.run(async () => {
    for (let count = 0; count < 20; count++) await (await fetch("/echo")).text();
  });
  expect(await looks()).toBe(1);
});

test("without a guest origin the pane stays off", async ({ page, open }) => {
  await open(page, { attributes: {} });
  await expect(page.getByText("This site names none.")).toBeVisible();
  await expect(page.locator("iframe")).toHaveCount(0);
});

test("a guest origin whose host does not serve the bridge is told", async ({ page, open }) => {
  await open(page, { attributes: { "guest-origin": "http://nothing.localhost:PORT" } });
  await expect(page.getByText("Nothing answers at http://nothing.localhost")).toBeVisible();
});
