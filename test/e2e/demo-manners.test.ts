/**
 * The demo's userland in a running router, where OpenWrt's behaviour is the specification. What takes no running router is in
 * images/demo/test/.
 */
import type { Page } from "@playwright/test";
import { expect, test, type Router } from "./fixtures.js";

const HOSTNAME = "uci get system.@system[0].hostname";
/** Takes all blocks of the overlay: most of them without writing them, which would take minutes. */
const FILL = `set -- $(df -k /overlay | tail -n 1)
fallocate -l $((($4 - 256) * 1024)) /root/filler
dd if=/dev/zero of=/root/filler2 bs=1k 2>/dev/null
sync`;

async function reboot(router: Router): Promise<void> {
  await router.output("(reboot &)");
  await router.reaches("booting");
  await router.reaches("running");
}

/** Types on the first console, as bytes. */
function type(page: Page, text: string): Promise<void> {
  return page.evaluate(async (typed) => {
    const machine = document.querySelector("openwrt-playground")?.machine;
    const writer = machine?.console.writable.getWriter();
    await writer?.write(new TextEncoder().encode(typed));
    writer?.releaseLock();
  }, text);
}

test("uci commit on a full overlay fails, keeps the file, and the change is pending", async ({
  router,
}) => {
  const before = await router.output("cat /etc/config/system");
  await router.output(FILL);
  await router.output("uci set system.@system[0].hostname=kept");
  const { exitCode, stderr } = await router.exec("uci commit system");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("uci: I/O error (writing /etc/config/system: No space left on device)");
  expect(await router.output("cat /etc/config/system")).toBe(before);
  expect(await router.output("uci changes")).toMatch(/^system\.cfg\w+\.hostname='kept'$/);
  await router.output("rm /root/filler /root/filler2 && uci commit system");
  expect(await router.output(`uci changes; ${HOSTNAME}`)).toBe("kept");
});

test("a commit of everything tells which neighbour it could not read, and commits the others", async ({
  router,
}) => {
  await router.output(
    "echo 'just text' >/etc/config/stray; echo 'config a b c d' >/etc/config/broken",
  );
  await router.output("uci set system.@system[0].hostname=kept");
  const { exitCode, stderr } = await router.exec("uci commit");
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/line 1, byte \d+ of \/etc\/config\/broken\n.* of \/etc\/config\/stray\n/);
  expect(
    await router.output("grep -c kept /etc/config/system; uci -q show | grep -c hostname="),
  ).toBe("1\n1");
});

test("six sections that are added at once are six", async ({ router }) => {
  await router.output("touch /etc/config/many");
  await router.output("for i in 1 2 3 4 5 6; do uci add many thing & done; wait; uci commit many");
  expect(await router.output("grep -c 'config thing' /etc/config/many")).toBe("6");
});

test("a time zone is in force everywhere after reload_config", async ({ page, router }) => {
  const zone = "CET-1CEST,M3.5.0,M10.5.0/3";
  await router.output(
    `uci set system.@system[0].timezone='${zone}'; uci commit system; reload_config`,
  );
  const now = await router.output("date +%Z");
  expect(now).toMatch(/^CES?T$/);
  expect(await router.output("cat /etc/TZ")).toBe(zone);
  // The log's time stamps, of a service that had started before.
  const [hour, stamp] = (
    await router.output(
      "logger -t zone here; date +%H; logread | grep 'zone: here' | tail -n 1 | cut -c8-9",
    )
  ).split("\n");
  expect(stamp).toBe(hour);
  // A new login on the console.
  await type(page, "exec ash --login\n");
  await type(page, "date +zone:%Z\n");
  await expect.poll(() => router.screen()).toContain(`zone:${now}`);
  await reboot(router);
  expect(await router.output("date +%Z")).toBe(now);
});

test("a reload keeps the log", async ({ router }) => {
  await router.output(
    "logger before; uci set system.@system[0].hostname=other; uci commit; reload_config",
  );
  expect(await router.output("logread | grep -c before")).toBe("1");
});

test("no service holds on to the output of who restarts it", async ({ router }) => {
  for (const name of ["log", "system", "dhcp", "dns", "dropbear", "uhttpd", "firewall", "cron"])
    await router.exec(`/etc/init.d/${name} restart`, { timeout: 60_000 });
  await router.exec("echo '* * * * * true' | crontab - ; /etc/init.d/cron start", {
    timeout: 60_000,
  });
  expect(await router.output("/etc/init.d/cron status")).toBe("running");
});

test("what a uci-defaults script sets without a commit is kept over two reboots", async ({
  router,
}) => {
  await router.output(
    "echo 'uci set system.@system[0].hostname=by-default' >/etc/uci-defaults/99-own; sync",
  );
  await reboot(router);
  expect(await router.output(`ls /etc/uci-defaults; ${HOSTNAME}`)).toBe("by-default");
  await reboot(router);
  expect(await router.output(HOSTNAME)).toBe("by-default");
});

for (const [what, fill] of [
  ["without a free block", FILL],
  // The overlay has fewer inodes than blocks.
  [
    "without a free inode",
    "mkdir /root/many; i=0; while true 2>/dev/null >/root/many/$i; do i=$((i + 1)); done",
  ],
] as const)
  test(`firstboot gives a factory router ${what}`, async ({ router }) => {
    const factory = await router.output(HOSTNAME);
    await router.output("uci set system.@system[0].hostname=gone-soon; uci commit");
    await router.exec(fill, { timeout: 150_000 });
    await router.output("firstboot -y && (reboot &)");
    await router.reaches("booting");
    await router.reaches("running");
    expect(await router.output(`${HOSTNAME}; ls /root; ls -A /overlay`)).toBe(
      `${factory}\n.fs_state\nlost+found\nupper\nwork`,
    );
  });

test("a mount in /etc/config/fstab that is not there keeps nobody waiting", async ({ router }) => {
  await router.output(`uci import fstab <<'EOF'
config global
	option delay_root '15'
config mount
	option target '/mnt/nothing'
	option uuid '0f0f0f0f-0000-0000-0000-000000000000'
	option enabled '1'
EOF`);
  await reboot(router);
  expect(await router.output("uci get fstab.@mount[0].target; mount | grep -c /mnt/ || true")).toBe(
    "/mnt/nothing\n0",
  );
});

test("names in UTF-8 are shown, and a line with such letters can be edited", async ({
  page,
  router,
}) => {
  await router.output("touch /root/größe /root/文件");
  expect(await router.output("ls /root")).toBe("größe\n文件");
  await type(page, "cd /root; ls\n");
  await expect.poll(() => router.screen()).toMatch(/größe +文件/);
  // Back over 件 and 文, and one letter more into the word before.
  await page.evaluate((keys) => {
    const { writable } = document.querySelector("openwrt-playground")!.machine.console;
    return writable.getWriter().write(new TextEncoder().encode(keys));
  }, "echo [größe文件\x7f\x7f\x1b[D\x1b[D\x7fö\x1b[C\x1b[C]\r");
  await expect.poll(() => router.screen()).toContain("\n[größe]");
});

test("f and Enter during preinit lead to failsafe, from which mount_root reaches the settings", async ({
  page,
  router,
}) => {
  await router.output("uci set system.@system[0].hostname=kept; uci commit");
  await router.output("(reboot &)");
  await router.reaches("booting");
  await expect.poll(() => router.screen(), { intervals: [20] }).toContain("Press the [f] key");
  await type(page, "f\n");
  await expect.poll(() => router.screen()).toContain("FAILSAFE MODE active");
  await type(page, "mount | grep -c overlay; touch /etc/x; mount_root; cat /etc/config/system\n");
  await expect.poll(() => router.screen()).toMatch(/\n0\n.*Read-only file system[\s\S]*'kept'/);
  await type(page, "reboot\n");
  await router.reaches("running");
  expect(await router.output(HOSTNAME)).toBe("kept");
});
