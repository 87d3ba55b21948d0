/** Orders that come while something else goes wrong: a full disk, a long command, a restored cable. */
import { isKept, leave } from "./instant.js";
import { expect, Router, test } from "./fixtures.js";
import { fill, setQuota } from "./quota.js";

/** State and error of a page's machine. */
function condition({ page }: Router) {
  return page.evaluate(() => {
    const { machine } = document.querySelector("openwrt-playground")!;
    const error = machine.error as { problem?: string; message: string } | undefined;
    return { state: machine.state, problem: error?.problem, message: error?.message };
  });
}

const call = ({ page }: Router, name: "powerOff" | "reboot" | "takeOver" | "start") =>
  page.evaluate(
    (method) =>
      document
        .querySelector("openwrt-playground")!
        .machine[method]()
        .then(
          () => "resolved",
          (error: unknown) => (error as Error).message,
        ),
    name,
  );

test("a router that cannot save is powered off all the same, and what it changed goes on with it", async ({
  page,
  site,
  router,
}) => {
  await fill(router, site);
  expect(await call(router, "powerOff")).toBe("resolved");
  expect(await condition(router)).toMatchObject({ state: "off", problem: "full" });
  await expect(page.getByRole("alert")).toContainText("no room left");
  expect(await call(router, "start")).toBe("resolved");
  expect(await router.output("cat /etc/before; ls /etc/big")).toBe("before\n/etc/big");
  await expect(page.getByText("Nothing is saved", { exact: false }).first()).toBeVisible();
  await setQuota(page, site, undefined);
});

test("a router that cannot save is not taken over, for what waits for room is in its tab only", async ({
  context,
  page,
  site,
  router,
}) => {
  const { done } = await fill(router, site);
  const other = new Router(await context.newPage());
  await other.page.goto(`${site}?firmware=demo`);
  await other.reaches("failed");
  expect(await call(other, "takeOver")).toContain("could not save");
  expect(await condition(other)).toMatchObject({ state: "failed", problem: "unsaved-elsewhere" });
  await page.bringToFront();
  await setQuota(page, site, undefined);
  await page.getByRole("button", { name: "Try again", exact: true }).click();
  await done;
  expect((await condition(router)).state).toBe("running");
  // Now it can be had.
  expect(await call(other, "takeOver")).toBe("resolved");
  expect(await other.output("ls /etc/big")).toBe("/etc/big");
});

test("a long command keeps nobody from taking the router over", async ({
  context,
  site,
  router,
}) => {
  await router.output("echo unsynced > /etc/unsynced");
  const sleeping = router.exec("sleep 600").catch((error: unknown) => String(error));
  const other = new Router(await context.newPage());
  await other.page.goto(`${site}?firmware=demo`);
  await other.reaches("failed");
  expect(await call(other, "takeOver")).toBe("resolved");
  expect(await other.output("cat /etc/unsynced")).toBe("unsynced");
  expect(await sleeping).toMatch(/taken over|switched off/);
});

test("reboot and power off take their usual time while a command runs, which is told", async ({
  page,
  router,
}) => {
  const seen = await page.evaluate(async () => {
    const { machine } = document.querySelector("openwrt-playground")!;
    const sleeping = machine.exec("sleep 300").then(
      () => "resolved",
      (error: unknown) => (error as Error).message,
    );
    const before = await machine.exec("touch /tmp/before; cat /proc/sys/kernel/random/boot_id");
    await machine.reboot();
    const after = await machine.exec("ls /tmp/before; cat /proc/sys/kernel/random/boot_id");
    const again = machine.exec("sleep 300").catch(() => undefined);
    await machine.powerOff();
    await again;
    return { sleeping: await sleeping, rebooted: before.stdout !== after.stdout };
  });
  expect(seen.rebooted).toBe(true);
  // Whichever comes first: the router ends its programs, or itself.
  expect(seen.sleeping).toMatch(/killed by a signal|switched off or restarted/);
  expect((await condition(router)).state).toBe("off");
});

test("the WAN cable is where the page says it is, also after a restore and a reset", async ({
  page,
  router,
}) => {
  const carrier = () => router.output("cat /sys/class/net/eth1/carrier 2>/dev/null || echo 0");
  const plug = (...plugged: boolean[]) =>
    page.evaluate(async (calls) => {
      const { machine } = document.querySelector("openwrt-playground")!;
      await Promise.all(calls.map((each) => machine.plugWan(each)));
      return machine.wan;
    }, plugged);
  // The last call counts, also when the one before still loads what answers there.
  expect(await plug(true, false)).toBe(false);
  await expect.poll(carrier).toBe("0");
  expect(await plug(true)).toBe(true);
  await expect.poll(carrier).toBe("1");
  await router.output("echo plugged > /etc/plugged; sync");
  await expect
    .poll(async () => {
      await leave(page);
      return isKept(router);
    })
    .toBe(true);
  await page.reload();
  await router.reaches("running");
  await expect.poll(carrier).toBe("0");
  await plug(true);
  await page.evaluate(() => document.querySelector("openwrt-playground")!.machine.reset());
  await expect.poll(carrier).toBe("1");
});

test("what is typed is stored while a long command runs", async ({ page, router }) => {
  void router.exec("sleep 120").catch(() => undefined);
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type(
    "uci set system.@system[0].hostname=kept; uci commit; echo typed > /etc/typed\n",
  );
  await expect.poll(() => router.output("cat /etc/typed 2>/dev/null; true")).toBe("typed");
  await page.waitForTimeout(6000);
  await page.reload();
  await router.reaches("running");
  expect(await router.output("uci get system.@system[0].hostname; cat /etc/typed")).toBe(
    "kept\ntyped",
  );
});
