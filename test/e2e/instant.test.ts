import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page, Route } from "@playwright/test";
import { DIST } from "../../scripts/lib/paths.js";
import { expect, launch, Router, test } from "./fixtures.js";
import { fetchesOf, generations, isBooted, isKept, isKeptWith, leave } from "./instant.js";

const IMAGES = `${DIST}playground/images/demo/`;
const URL_OF = (site: string) => `${site}?firmware=demo`;

async function visit(page: Page, site: string): Promise<{ router: Router; fetches: string[] }> {
  const fetches = fetchesOf(page);
  const router = new Router(page);
  await page.goto(URL_OF(site));
  await router.reaches("running");
  return { router, fetches };
}

test("the first visit goes on from the factory state: nothing boots, nothing is stored, a shell greets", async ({
  page,
  site,
}) => {
  const { router, fetches } = await visit(page, site);
  expect(isBooted(fetches)).toBe(false);
  expect(fetches.join()).toContain("factory-state.zst");
  await expect.poll(() => router.screen()).toMatch(/# *$/m);
  expect(await router.screen()).not.toContain("Linux version");
  await expect(page.getByText("services are still starting")).toBeHidden();
  // It has been up for longer than this page is open.
  const uptime = Number((await router.output("cat /proc/uptime")).split(" ")[0]);
  expect(uptime).toBeGreaterThan((await page.evaluate(() => performance.now())) / 1000);
  // Nobody touched it: also a page that is left keeps nothing of it.
  await leave(page);
  await router.output("true");
  const storage = await router.storage();
  expect(storage).toMatchObject({ chunks: 0, bytes: 0, memoryBytes: 0 });
});

test("what somebody typed is there on the next visit, though nothing on the disk was changed", async ({
  page,
  site,
}) => {
  const { router } = await visit(page, site);
  // An editor has a screen of its own, which is not what Router.screen() reads.
  const rows = page.locator("openwrt-terminal .xterm-rows");
  await page.locator("openwrt-terminal textarea").focus();
  await expect.poll(() => router.screen()).toMatch(/# *$/m);
  await page.keyboard.type("vi /tmp/letter\n");
  await expect(rows).toContainText("- /tmp/letter");
  await page.keyboard.type("iDear router");
  await expect(rows).toContainText("Dear router");
  await expect.poll(() => isKeptWith(router, "Dear router")).toBe(true);
  expect((await router.storage()).chunks, "nothing was changed").toBe(0);

  const fetches = fetchesOf(page);
  await page.reload();
  await router.reaches("running");
  expect(isBooted(fetches)).toBe(false);
  await expect(rows).toContainText("Dear router");
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type(", good bye");
  await page.keyboard.press("Escape");
  await expect(rows, "back in command mode").toContainText("- /tmp/letter");
  await page.keyboard.type(":wq\n");
  await expect
    .poll(async () => (await router.exec("cat /tmp/letter")).stdout)
    .toBe("Dear router, good bye\n");
});

test("the memory of a router is kept soon after each change, without a word from the page", async ({
  page,
  site,
}) => {
  const { router } = await visit(page, site);
  let before: unknown;
  for (let round = 0; round < 3; round++) {
    await router.output(`echo ${round} > /etc/round`);
    // The host's own sync stores it, and its memory after that.
    await expect.poll(async () => (await generations(page)).disk).not.toBe(before);
    await expect.poll(() => isKept(router)).toBe(true);
    before = (await generations(page)).disk;
  }
  const fetches = fetchesOf(page);
  await page.reload();
  await router.reaches("running");
  expect(isBooted(fetches)).toBe(false);
  expect(await router.output("cat /etc/round")).toBe("2");
});

test("a router that went off by itself is booted, also where that changed nothing", async ({
  page,
  site,
}) => {
  const router = await keptRouter(page, site);
  // No shutdown: nothing is written, so that what is kept would still fit the disk.
  await router.exec("sync; poweroff -n -f; sleep 60").catch(() => undefined);
  await expect.poll(() => router.state()).toBe("off");
  const fetches = fetchesOf(page);
  await page.reload();
  await router.reaches("running");
  expect(isBooted(fetches)).toBe(true);
  expect(await router.output("cat /etc/changed")).toBe("changed");
});

test("two visitors of one factory state have their own random numbers, and the right time", async ({
  page,
  site,
}) => {
  const profile = await mkdtemp(join(tmpdir(), "playground-other-"));
  const context = await launch(profile);
  try {
    const other = context.pages()[0] ?? (await context.newPage());
    const numbers: string[] = [];
    for (const each of [page, other]) {
      const { router, fetches } = await visit(each, site);
      expect(isBooted(fetches)).toBe(false);
      numbers.push(await router.output("head -c 16 /dev/urandom | hexdump -e '16/1 \"%02x\"'"));
      const time = Number(await router.output("date +%s"));
      expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(30);
    }
    expect(numbers[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(numbers[1]).not.toBe(numbers[0]);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
});

test("Reset goes back to the factory state without a boot", async ({ page, site }) => {
  const { router, fetches } = await visit(page, site);
  await router.output("echo gone > /etc/gone; sync");
  await expect.poll(async () => (await router.storage()).chunks).toBeGreaterThan(0);
  await page.evaluate(() => document.querySelector("openwrt-playground")?.machine.reset());
  expect((await router.exec("test -e /etc/gone")).exitCode).toBe(1);
  expect(isBooted(fetches)).toBe(false);
  expect((await router.storage()).chunks).toBe(0);
  expect(await router.output("touch /etc/new; sync; dmesg | grep -ci 'ext4.*error' || true")).toBe(
    "0",
  );
});

/** Serves another factory state to a page, with a manifest that fits it or not. */
async function serveState(page: Page, state: Buffer | undefined, fits: boolean): Promise<void> {
  await page.route("**/factory-state.zst*", (route: Route) =>
    state ? route.fulfill({ body: state }) : route.fulfill({ status: 404 }),
  );
  if (fits && state) {
    const sha256 = createHash("sha256").update(state).digest("hex");
    await changeManifest(page, ({ factory }) => {
      Object.assign(factory.state, { bytes: state.length, sha256 });
    });
  }
}

interface Manifest {
  factory: { pc: { v86: string }; state: object; pages: object };
}

async function changeManifest(page: Page, change: (manifest: Manifest) => void): Promise<void> {
  const manifest = JSON.parse(await readFile(`${IMAGES}firmware.json`, "utf8")) as Manifest;
  change(manifest);
  await page.route("**/images/demo/firmware.json", (route) => route.fulfill({ json: manifest }));
}

const whole = () => readFile(`${IMAGES}factory-state.zst`);
const DAMAGE: Record<string, (page: Page) => Promise<void>> = {
  "is missing": (page) => serveState(page, undefined, false),
  "is cut short": async (page) => serveState(page, (await whole()).subarray(0, 1e6), false),
  "was cut short before it was published": async (page) =>
    serveState(page, (await whole()).subarray(0, 1e6), true),
  "is no state at all": (page) => serveState(page, Buffer.alloc(100_000, "no state "), true),
  "has a damaged list of pages": async (page) => {
    const list = await readFile(`${IMAGES}factory-pages.bin`);
    // The middle of a block: what it says is not there.
    list.writeUInt32LE(list.readUInt32LE(12) + 1, 12);
    await page.route("**/factory-pages.bin*", (route) => route.fulfill({ body: list }));
    const sha256 = createHash("sha256").update(list).digest("hex");
    await changeManifest(page, ({ factory }) => Object.assign(factory.pages, { sha256 }));
  },
  "is of another emulator": (page) =>
    changeManifest(page, ({ factory }) => (factory.pc.v86 = "0.0.1")),
};

for (const [what, damage] of Object.entries(DAMAGE))
  test(`a router whose factory state ${what} is booted`, async ({ page, site }) => {
    await damage(page);
    const { router, fetches } = await visit(page, site);
    expect(isBooted(fetches)).toBe(true);
    expect(await router.screen()).toContain("Linux version");
    await expect(page.getByRole("alert")).toHaveCount(0);
    await router.output("echo kept > /etc/kept; sync");
    await page.unrouteAll();
    await page.reload();
    await router.reaches("running");
    expect(await router.output("cat /etc/kept")).toBe("kept");
  });

/** A router with a changed file, a program that runs, and its memory kept. */
async function keptRouter(page: Page, site: string): Promise<Router> {
  const { router } = await visit(page, site);
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type("\necho changed > /etc/changed; sleep 100000 & echo began-$?\n");
  await expect.poll(() => router.screen()).toContain("began-0");
  await router.output("sync");
  await leave(page);
  await expect.poll(() => isKept(router)).toBe(true);
  return router;
}

test("the next visit goes on where this one ended: programs, files and screen", async ({
  page,
  site,
}) => {
  const router = await keptRouter(page, site);
  const program = await router.output("pidof sleep");
  const screen = (await router.screen()).trim();
  expect((await router.storage()).memoryBytes).toBeGreaterThan(1e6);
  const fetches = fetchesOf(page);
  await page.reload();
  await router.reaches("running");
  expect(fetches.filter((path) => /bzImage|factory-state/.test(path))).toEqual([]);
  expect(await router.output("pidof sleep")).toBe(program);
  expect(await router.output("cat /etc/changed")).toBe("changed");
  expect((await router.screen()).trim(), "nothing was typed into it").toBe(screen);
  expect(Math.abs(Number(await router.output("date +%s")) - Date.now() / 1000)).toBeLessThan(30);
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type("echo $((6*7)) goes on\n");
  await expect.poll(() => router.screen()).toContain("42 goes on");
});

test("memory that is older than the disk is not gone on from, and everything synced is there", async ({
  context,
  page,
  site,
}) => {
  const router = await keptRouter(page, site);
  await router.output("echo newer > /etc/newer; sync");
  // At once, without a word to the page.
  const session = await context.newCDPSession(page);
  session.send("Page.crash").catch(() => undefined);
  await page.waitForEvent("crash");
  const { router: next, fetches } = await visit(await context.newPage(), site);
  expect(isBooted(fetches)).toBe(true);
  expect(await next.output("cat /etc/changed /etc/newer")).toBe("changed\nnewer");
});

test("a page that dies while its router is saved loses nothing", async ({
  context,
  page,
  site,
}) => {
  let router = await keptRouter(page, site);
  for (let round = 0; round < 4; round++) {
    await router.output(`echo ${round} > /etc/round; sync`);
    await leave(router.page);
    // Between the beginning of a save and a moment when it is over.
    await router.page.waitForTimeout(round * 60);
    const session = await context.newCDPSession(router.page);
    const crash = router.page.waitForEvent("crash");
    session.send("Page.crash").catch(() => undefined);
    await crash;
    router = (await visit(await context.newPage(), site)).router;
    expect(await router.output("cat /etc/changed /etc/round")).toBe(`changed\n${round}`);
  }
});

test("who does not want memory kept has none, and the next visit boots", async ({ page, site }) => {
  const router = await keptRouter(page, site);
  await page.evaluate(() => {
    const element = document.querySelector("openwrt-playground");
    if (element) element.machine.keepMemory = false;
  });
  await expect.poll(async () => (await router.storage()).memoryBytes).toBe(0);
  await router.output("echo more > /etc/more; sync");
  await leave(page);
  const fetches = fetchesOf(page);
  await page.reload();
  await router.reaches("running");
  expect(isBooted(fetches)).toBe(true);
  expect(await router.output("cat /etc/changed /etc/more")).toBe("changed\nmore");
  expect((await router.storage()).memoryBytes).toBe(0);
});

test("after a copy was restored the memory of before is not gone on from", async ({
  page,
  site,
}) => {
  const router = await keptRouter(page, site);
  const fetches = fetchesOf(page);
  await page.evaluate(async () => {
    const machine = document.querySelector("openwrt-playground")?.machine;
    const copy = await machine?.exportOverlay();
    await machine?.powerOff();
    if (copy) await machine?.importOverlay(copy);
    await machine?.start();
  });
  expect(isBooted(fetches)).toBe(true);
  expect((await router.exec("pidof sleep")).exitCode).toBe(1);
  expect(await router.output("cat /etc/changed")).toBe("changed");
});

test("Reboot is a boot, whatever is kept", async ({ page, site }) => {
  const router = await keptRouter(page, site);
  const fetches = fetchesOf(page);
  await page.evaluate(() => document.querySelector("openwrt-playground")?.machine.reboot());
  expect(isBooted(fetches)).toBe(true);
  expect((await router.exec("pidof sleep")).exitCode).toBe(1);
  expect(await router.output("cat /etc/changed")).toBe("changed");
});

test("a tab that takes the router over goes on with its programs", async ({
  context,
  page,
  site,
}) => {
  const first = await keptRouter(page, site);
  await first.output("echo last > /etc/last");
  const program = await first.output("pidof sleep");
  const second = new Router(await context.newPage());
  const fetches = fetchesOf(second.page);
  await second.page.goto(URL_OF(site));
  await second.reaches("failed");
  await second.page.getByRole("button", { name: "Take over", exact: true }).click();
  await second.reaches("running");
  expect(isBooted(fetches)).toBe(false);
  expect(await second.output("pidof sleep")).toBe(program);
  expect(await second.output("cat /etc/last")).toBe("last");
  expect(await first.state()).toBe("off");
});
