/** OpenWrt's failsafe: started by a button, told in words, left by a reboot. */
import { expect, Router, test } from "./fixtures.js";

test("a router that is off can be started in failsafe, which says that nothing is saved", async ({
  page,
  router,
}) => {
  await router.output("uci set system.@system[0].hostname=kept; uci commit; sync");
  await page.getByRole("button", { name: "Power off" }).click();
  await router.reaches("off");
  await page.getByRole("button", { name: "Start in failsafe" }).click();
  await router.reaches("running");
  const state = page.locator("openwrt-playground").getByRole("status").first();
  await expect(state).toHaveText("Failsafe");
  await expect(page.getByText("the stored settings are not mounted")).toBeVisible();
  expect((await router.storage()).upper).toBe("none");
  expect((await router.exec("touch /etc/x")).exitCode).not.toBe(0);
  // The page's own line was typed where nobody sees it.
  expect(await router.screen()).not.toContain("virtio-ports");

  await test.step("mount_root brings the settings back, and what is changed then is saved", async () => {
    expect(await router.output("mount_root >/dev/null; uci get system.@system[0].hostname")).toBe(
      "kept",
    );
    await router.output("echo mended > /etc/mended");
    await expect(state).toHaveText("Running");
    await expect.poll(async () => (await router.storage()).upper).toBe("disk");
  });
  await test.step("a reboot leads out of it", async () => {
    await page.evaluate(() => document.querySelector("openwrt-playground")!.machine.reboot());
    await expect(state).toHaveText("Running");
    expect(await router.output("cat /proc/cmdline")).not.toContain("failsafe");
    expect(await router.output("cat /etc/mended; uci get system.@system[0].hostname")).toBe(
      "mended\nkept",
    );
  });
});

test("a running router reboots into failsafe when it is asked to, and is powered off from there", async ({
  page,
  site,
}) => {
  const router = new Router(page);
  await page.goto(`${site}?firmware=demo&overlay=failsafe`);
  await router.reaches("running");
  await page.evaluate(() =>
    document.querySelector("openwrt-playground")!.machine.start({ failsafe: true }),
  );
  expect(await router.output("cat /proc/cmdline")).toContain("failsafe=1");
  expect((await router.storage()).upper).toBe("none");
  await page.evaluate(() => document.querySelector("openwrt-playground")!.machine.powerOff());
  expect(await router.state()).toBe("off");
});
