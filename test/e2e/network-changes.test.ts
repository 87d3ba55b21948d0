import { expect, type Router, test } from "./fixtures.js";
import { Lan } from "./lan.js";

/** How long the page may take to find a router that moved, in milliseconds; the router's own time is not in it. */
const FOUND_AGAIN_MS = 20_000;
/** How long the demo router may take to start its services after a shell answers. */
const SERVICES_MS = 60_000;

test("the page follows the router: its server, its address, its DHCP, a reboot", async ({
  page,
  router,
}) => {
  const lan = new Lan(page);
  await lan.answers("/", SERVICES_MS);
  expect(await lan.network()).toMatchObject({ phase: "leased", router: "192.168.1.1" });

  await test.step("the web server is stopped, and started again", async () => {
    await router.output("/etc/init.d/uhttpd stop");
    await expect(lan.fetch("/")).rejects.toThrow("Its server may not be running.");
    await router.output("/etc/init.d/uhttpd start");
    await lan.answers("/", 10_000);
  });
  await test.step("the LAN's address is changed", async () => {
    await moveTo(router, "192.168.77.1");
    await lan.answers("/", FOUND_AGAIN_MS);
    // A router whose web server is up before its DHCP server is reached from an address that the page took itself at first.
    const leased = { phase: "leased", router: "192.168.77.1" };
    await expect.poll(() => lan.network()).toMatchObject(leased);
    expect((await lan.fetch("/")).url).toContain("192.168.77.1");
  });
  await test.step("and again, to another network without a DHCP server", async () => {
    await router.output("/etc/init.d/dhcp disable; /etc/init.d/dhcp stop");
    await moveTo(router, "10.20.30.1");
    await lan.answers("/", FOUND_AGAIN_MS);
    expect(await lan.network()).toMatchObject({ phase: "static", router: "10.20.30.1" });
  });
  await test.step("a reboot, with the new address", async () => {
    await page.evaluate(() => document.querySelector("openwrt-playground")!.machine.reboot());
    await lan.answers("/", SERVICES_MS);
    expect(await lan.network()).toMatchObject({ phase: "static", router: "10.20.30.1" });
  });
});

test("the WAN comes up when its cable is plugged in, and survives a reboot", async ({
  page,
  router,
}) => {
  const lan = new Lan(page);
  // A card that is not up yet has no carrier to read.
  const carrier = () => router.output("cat /sys/class/net/eth1/carrier 2>/dev/null || echo down");
  const address = () => router.output("ip -4 -o addr show dev eth1");

  await test.step("without a cable there is no carrier and no address", async () => {
    await expect.poll(carrier).toBe("0");
    expect(await address()).toBe("");
  });
  await test.step("the provider gives it an address by DHCP", async () => {
    await lan.plugWan(true);
    await expect.poll(carrier).toBe("1");
    await expect.poll(address, { timeout: 30_000 }).toContain("inet 100.64.0.2/24");
  });
  await test.step("its gateway answers pings, its name server a few names", async () => {
    expect(await router.output("ping -c 2 -W 5 100.64.0.1")).toContain("0% packet loss");
    const names = await router.exec("nslookup provider.test 100.64.0.1");
    expect(names.stdout).toMatch(/Name:\s+provider\.test\s+Address: 100\.64\.0\.1/);
  });
  await test.step("it leads nowhere else, and says so at once", async () => {
    const { stdout, exitCode } = await router.exec("traceroute -m 3 -q 1 -w 3 9.9.9.9 2>&1");
    expect(stdout + String(exitCode)).toContain("!N");
  });
  await test.step("it comes up again after a reboot", async () => {
    await page.evaluate(() => document.querySelector("openwrt-playground")!.machine.reboot());
    await expect.poll(address, { timeout: 30_000 }).toContain("inet 100.64.0.2/24");
  });
  await test.step("pulled out, the carrier is gone, and nobody answers", async () => {
    await lan.plugWan(false);
    await expect.poll(carrier).toBe("0");
    expect((await router.exec("ping -c 1 -W 1 100.64.0.1")).exitCode).not.toBe(0);
  });
});

async function moveTo(router: Router, address: string): Promise<void> {
  await router.output(
    `uci set network.lan.ipaddr=${address}; uci commit network; reload_config >/dev/null 2>&1`,
  );
}
