/** What a killed Chromium leaves on the disk, and what it makes of that later: see src/disk/leveldb-log.ts. */
import type { BrowserContext } from "@playwright/test";
import { appendFile, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as Playground from "../../src/elements/index.js";
import { expect, launch, Router, test as base } from "./fixtures.js";

/** db/log_format.h of LevelDB: blocks of 32 KiB; a record's header is its checksum, its length and its type. */
const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const FIRST_PIECE = 2;
/** Longer than the browser keeps a database open that no page uses, in milliseconds. */
const CLOSED_MS = 5000;

interface Visit {
  readonly router: Router;
  close(): Promise<void>;
}

const test = base.extend<{ visit: (address?: string) => Promise<Visit> }>({
  visit: async ({ profile, site }, use) => {
    const browsers: BrowserContext[] = [];
    await use(async (address = `${site}?firmware=demo`) => {
      const browser = await launch(profile);
      browsers.push(browser);
      const page = browser.pages()[0] ?? (await browser.newPage());
      await page.goto(address);
      return { router: new Router(page), close: () => browser.close() };
    });
    for (const browser of browsers) await browser.close();
  },
});

test("a write that was cut off by the browser's death costs nothing on the visits after it", async ({
  profile,
  visit,
}) => {
  const first = await visit();
  await first.router.reaches("running");
  await first.router.output("echo kept > /etc/kept; sync");
  await first.close();
  await cutOffWrite(await logOf(profile));

  const second = await visit();
  await second.router.reaches("running");
  await second.router.output("echo also > /etc/also; sync");
  await second.router.page.goto("about:blank");
  await second.router.page.waitForTimeout(CLOSED_MS);
  await second.close();

  const third = await visit();
  await third.router.reaches("running");
  expect(await third.router.output("cat /etc/kept /etc/also")).toBe("kept\nalso");
});

test("data that the browser deleted as damaged is told, and a new router starts when asked to", async ({
  profile,
  visit,
}) => {
  await lose(profile, visit);
  const { router } = await visit();
  await router.reaches("failed");
  await expect(router.page.getByRole("alert")).toContainText(
    "found its storage of this site damaged",
  );
  await router.page.getByRole("button", { name: "Try again" }).click();
  await router.reaches("running");
  expect(await router.output("cat /etc/lost 2>/dev/null || echo none")).toBe("none");
});

test("it is told as well when something else looks at what is stored first", async ({
  profile,
  visit,
  site,
}) => {
  await lose(profile, visit);
  const { router } = await visit(`${site}icon.svg`);
  const seen = await router.page.evaluate(async (assets) => {
    const { Machine } = (await import(`${assets}openwrt-playground.js`)) as typeof Playground;
    const problems: string[] = [];
    const problem = (error: unknown) => problems.push((error as Playground.StorageError).problem);
    const machine = new Machine({ firmware: "demo", assets });
    await machine.storage().catch(problem);
    const { state } = machine;
    await machine.start().catch(problem);
    return { problems, state, then: machine.state };
  }, `${site}playground/`);
  expect(seen).toEqual({ problems: ["lost"], state: "failed", then: "running" });
});

/** A visit with changes, and a device that does not give back what it was given. */
async function lose(profile: string, visit: () => Promise<Visit>): Promise<void> {
  const last = await visit();
  await last.router.reaches("running");
  await last.router.output("echo lost > /etc/lost; sync");
  await last.close();
  const log = await logOf(profile);
  const file = await open(log, "r+");
  await file.write(Buffer.alloc(4096, 0x55), 0, undefined, 0);
  await file.close();
}

/** The log of the LevelDB that holds the site's IndexedDB. */
async function logOf(profile: string): Promise<string> {
  const folder = join(profile, "Default", "IndexedDB");
  const [database = ""] = await readdir(folder);
  const logs = (await readdir(join(folder, database))).filter((name) => name.endsWith(".log"));
  expect(logs).toHaveLength(1);
  return join(folder, database, logs[0] ?? "");
}

/** What a browser leaves that is killed while it writes a transaction of many pieces. */
async function cutOffWrite(log: string): Promise<void> {
  const { size } = await stat(log);
  const left = BLOCK_BYTES - (size % BLOCK_BYTES);
  // No header begins in the last bytes of a block.
  const filler = left < HEADER_BYTES + 1024 ? left : 0;
  const length = filler > 0 ? BLOCK_BYTES - HEADER_BYTES : left - HEADER_BYTES;
  const piece = Buffer.alloc(filler + HEADER_BYTES + 512, 1);
  piece.fill(0, 0, filler);
  piece.writeUInt32LE(0x12345678, filler);
  piece.writeUInt16LE(length, filler + 4);
  piece.writeUInt8(FIRST_PIECE, filler + 6);
  await appendFile(log, piece);
}
