import { expect, Router, test } from "./fixtures.js";

const HOSTNAME = "uci get system.@system[0].hostname";
const rename = (name: string) => `uci set system.@system[0].hostname=${name} && uci commit system`;

test("the page boots a router by itself, says how far it is, and its LAN and web server are up", async ({
  page,
  site,
}) => {
  const router = new Router(page);
  // Without a factory state there is a boot to be seen.
  await page.route("**/factory-state.zst*", (route) => route.fulfill({ status: 404 }));
  await page.goto(`${site}?firmware=demo`);
  await expect(page.getByText(/Fetching the firmware|Booting the kernel/)).toBeVisible();
  await router.reaches("running");
  await expect(page.getByRole("status")).toContainText("Running");
  expect(await router.output("uname -sm")).toBe("Linux i686");
  expect(await router.output("cat /proc/mounts")).toMatch(/^overlay.* \/ overlay rw/m);
  await expect
    .poll(() => router.output("ip -4 addr show br-lan 2>/dev/null || true"))
    .toContain("192.168.1.1/24");
  await expect
    .poll(() => router.output("wget -q -O - http://127.0.0.1/ 2>/dev/null || true"))
    .toContain("<");
  await expect(page.getByText("services are still starting")).toBeHidden();
});

test("a changed setting is kept by a reload and by a reboot, and Reset takes it away", async ({
  page,
  router,
}) => {
  const factory = await router.output(HOSTNAME);
  await router.output(rename("kept-router"));
  await router.output("sync");

  await page.reload();
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe("kept-router");
  await expect(page.getByText(/of changes saved in this browser/).first()).toBeVisible();

  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type("reboot\n");
  await router.reaches("booting");
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe("kept-router");

  await page.getByRole("button", { name: "Reset…" }).click();
  await expect(page.getByRole("dialog")).toContainText("will be lost");
  await page.getByRole("button", { name: "Reset the router" }).click();
  await router.reaches("booting");
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe(factory);

  await page.reload();
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe(factory);
});

test("what was typed is stored by itself a moment later, and the page says when", async ({
  page,
  router,
}) => {
  await expect(page.getByText("Nothing changed yet", { exact: false })).toBeVisible();
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type(`${rename("typed-name")}\n`);
  // A router that were left to itself would store its directories in five seconds, and its files in thirty.
  await expect(page.getByText(/of changes saved in this browser/).first()).toBeVisible();
  await page.reload();
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe("typed-name");
});

test("cancelling the reset loses nothing", async ({ page, router }) => {
  await router.output(rename("not-lost"));
  await page.getByRole("button", { name: "Reset…" }).click();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  expect(await router.output(HOSTNAME)).toBe("not-lost");
  expect(await router.state()).toBe("running");
});

test("a file deleted from the ROM stays deleted after a reload and returns after a reset", async ({
  page,
  router,
}) => {
  await router.output("test -f /etc/banner && rm /etc/banner && sync");
  await page.reload();
  await router.reaches("running");
  expect((await router.exec("test -e /etc/banner")).exitCode).toBe(1);
  expect(await router.output("test -e /rom/etc/banner && ls -l /overlay/upper/etc/banner")).toMatch(
    /^c.* 0, +0 /,
  );
  await page.evaluate(() => document.querySelector("openwrt-playground")?.machine.reset());
  expect((await router.exec("test -e /etc/banner")).exitCode).toBe(0);
});

test("firstboot in the router gives a factory router", async ({ router }) => {
  const factory = await router.output(HOSTNAME);
  await router.output(rename("gone-soon"));
  await router.output("firstboot -y && (reboot &)");
  await router.reaches("booting");
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe(factory);
});

test("another overlay of the same firmware is another router", async ({ page, site }) => {
  const router = new Router(page);
  await page.goto(`${site}?firmware=demo&overlay=one`);
  await router.reaches("running");
  await router.output(`${rename("router-one")} && sync`);
  await page.goto(`${site}?firmware=demo&overlay=two`);
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).not.toBe("router-one");
  await page.goto(`${site}?firmware=demo&overlay=one`);
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe("router-one");
});

test("what is deleted in the router is stored no more, also in a copy, and after a boot", async ({
  page,
  router,
}) => {
  const bytes = 12_000_000;
  const copied = () =>
    page.evaluate(async () => {
      const blob = await document.querySelector("openwrt-playground")!.machine.exportOverlay();
      return blob.size;
    });
  await router.output("echo kept > /etc/kept; sync");
  const before = (await router.storage()).bytes;
  for (let time = 0; time < 2; time++) {
    await router.output(`head -c ${bytes} /dev/urandom > /root/big; sync`);
    expect((await router.storage()).bytes).toBeGreaterThan(before + bytes * 0.9);
    await router.output("rm /root/big; sync");
    await expect
      .poll(async () => (await router.storage()).bytes)
      .toBeLessThan(before + bytes * 0.1);
  }
  expect(await copied()).toBeLessThan(before + bytes * 0.1);
  await page.evaluate(() => document.querySelector("openwrt-playground")!.machine.reboot());
  await router.output(`head -c ${bytes} /dev/urandom > /root/big; sync; rm /root/big; sync`);
  await expect.poll(async () => (await router.storage()).bytes).toBeLessThan(before + bytes * 0.2);
  expect(await router.output("cat /etc/kept")).toBe("kept");
});
