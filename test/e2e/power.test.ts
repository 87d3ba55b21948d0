import type * as Playground from "../../src/elements/index.js";
import { expect, test } from "./fixtures.js";

test("power off and start work by keyboard, and keep what was written", async ({
  page,
  router,
}) => {
  await router.output("echo kept > /etc/kept");
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  await button("Power off").focus();
  await page.keyboard.press("Enter");
  await router.reaches("off");
  await expect(page.getByRole("status")).toHaveText(/Off/);
  await button("Start").first().focus();
  await page.keyboard.press("Enter");
  await router.reaches("running");
  expect(await router.output("cat /etc/kept")).toBe("kept");
});

test("poweroff typed in the router ends at off", async ({ page, router }) => {
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type("poweroff\n");
  await router.reaches("off");
  await expect(router.exec("true")).rejects.toThrow("The router is off");
});

test("reboot() resolves when a shell answers again, powerOff() at off", async ({
  router: { page },
}) => {
  const seen = await page.evaluate(async () => {
    const machine = document.querySelector("openwrt-playground")!.machine;
    const states: string[] = [];
    machine.addEventListener("statechange", () => states.push(machine.state));
    const before = await machine.exec("cat /proc/sys/kernel/random/boot_id");
    await machine.reboot();
    const after = await machine.exec("cat /proc/sys/kernel/random/boot_id");
    await machine.powerOff();
    return { states, rebooted: before.stdout !== after.stdout };
  });
  expect(seen).toEqual({ states: ["loading", "booting", "running", "off"], rebooted: true });
});

test("a kernel panic ends in failed with the last console lines, and the router starts again", async ({
  page,
  router,
}) => {
  await router.output("echo kept > /etc/kept; sync");
  await router.exec("echo c > /proc/sysrq-trigger").catch(() => undefined);
  await router.reaches("failed");
  await expect(page.getByRole("alert")).toContainText("kernel panicked");
  await page.getByText("Last lines of the console").click();
  await expect(page.locator("pre").filter({ hasText: "Kernel panic - not syncing" })).toBeVisible();
  await page.getByRole("button", { name: "Try again" }).click();
  await router.reaches("running");
  expect(await router.output("cat /etc/kept")).toBe("kept");
});

test("text that only looks like a panic does not stop the router", async ({ page, router }) => {
  await router.output("echo 'Kernel panic - not syncing: just a log' > /dev/ttyS0");
  await page.waitForTimeout(5000);
  expect(await router.state()).toBe("running");
  expect(await router.output("echo alive")).toBe("alive");
});

test("destroy() at any moment leaves nothing running and the overlay usable", async ({
  context,
  page,
  site,
}) => {
  await page.goto(`${site}icon.svg`);
  // The browser's own list: Playwright's keeps a worker that ended while it was being attached to.
  const session = await context.browser()!.newBrowserCDPSession();
  const workers = async () => {
    const { targetInfos } = await session.send("Target.getTargets", {
      filter: [{ type: "worker" }],
    });
    return targetInfos.length;
  };
  const leaving = page.evaluate(async (assets) => {
    const { Machine } = (await import(`${assets}openwrt-playground.js`)) as typeof Playground;
    const options = { firmware: "demo", overlay: "destroyed", assets };
    for (const delay of [0, 5, 50, 200, 600, 1500, 3000]) {
      const machine = new Machine(options);
      const start = machine.start().then(
        () => "started",
        () => "rejected",
      );
      await new Promise((resolve) => setTimeout(resolve, delay));
      await machine.destroy();
      if (machine.state !== "off") return `state ${machine.state} after ${delay} ms`;
      await start;
    }
    const machine = new Machine(options);
    await machine.start();
    const { stdout } = await machine.exec("echo alive");
    const pending = machine.exec("sleep 100").catch((error: unknown) => (error as Error).message);
    await machine.destroy();
    return [
      stdout,
      await pending,
      await machine.start().catch((error: unknown) => (error as Error).message),
    ];
  }, `${site}playground/`);
  await expect.poll(workers, { intervals: [20] }).toBe(1);
  expect(await leaving).toEqual([
    "alive\n",
    "The router was removed from the page.",
    "This router was removed from the page.",
  ]);
  await expect.poll(workers).toBe(0);
});
