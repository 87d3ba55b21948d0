/** What people and programs do with a running router, through the page: the first command and page, commands side by side, files, reboots. */
import type { Page } from "@playwright/test";
import type { Machine } from "../src/elements/index.js";
import { open } from "./starts.js";

/**
 * - `uci`: `uci show`, asked 5 s after a first visit, milliseconds
 * - `web`: from the click on the web interface, 5 s after a first visit, until its page is drawn, milliseconds
 * - `beside`: a command beside one that runs for a minute, milliseconds
 * - `write`, `read`: a file of 8 MiB, milliseconds
 * - `output`: a command that prints 4 MiB, milliseconds
 * - `reboot`: until a shell answers again, milliseconds
 * - `rebootBehind`: the same while a command runs that nobody waits for
 */
export type Use =
  "uci" | "web" | "beside" | "write" | "read" | "output" | "reboot" | "rebootBehind";
export type UseTimes = Record<Use, number[]>;

export const FILE_BYTES = 8 * 1024 * 1024;
export const OUTPUT_BYTES = 4 * 1024 * 1024;
/** How long after its shell a router is first used, in milliseconds. */
const LEFT_ALONE_MS = 5000;

/** @param url address of the site's page, ending in "/" */
export async function measureUses(
  page: Page,
  url: string,
  firmware: string,
  runs: number,
): Promise<UseTimes> {
  const times: UseTimes = {
    ...{ uci: [], web: [], beside: [], write: [] },
    ...{ read: [], output: [], reboot: [], rebootBehind: [] },
  };
  for (let run = -1; run < runs; run++) {
    // The first round fills the HTTP cache and is not counted.
    const note = (use: Use, milliseconds: number) => {
      if (run >= 0) times[use].push(milliseconds);
    };
    const address = (name: string) => `${url}?firmware=${firmware}&overlay=${name}-${run + 1}`;
    await open(page, address("uci"));
    await page.waitForTimeout(LEFT_ALONE_MS);
    note("uci", await timed(page, "uci"));

    await open(page, address("web"));
    await page.waitForTimeout(LEFT_ALONE_MS);
    const clicked = performance.now();
    await page.getByRole("tab", { name: "Web interface" }).click();
    const pane = page.locator("openwrt-web iframe").contentFrame();
    await pane
      .locator("iframe")
      .contentFrame()
      .locator("h1:visible, h2:visible, input:visible")
      .first()
      .waitFor();
    note("web", performance.now() - clicked);

    for (const use of ["beside", "write", "read", "output", "reboot", "rebootBehind"] as const)
      note(use, await timed(page, use));
  }
  return times;
}

/** @returns milliseconds */
async function timed(page: Page, use: Exclude<Use, "web">): Promise<number> {
  return page.evaluate(
    async ({ use, fileBytes, outputBytes }) => {
      const machine: Machine | undefined = document.querySelector("openwrt-playground")?.machine;
      if (!machine) throw new Error("There is no router.");
      const file = "/tmp/bench";
      const control = new AbortController();
      if (use === "beside" || use === "rebootBehind") {
        void machine.exec("sleep 60", { signal: control.signal }).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      const content = new Uint8Array(use === "write" ? fileBytes : 0).map((_, at) => at % 251);
      const began = performance.now();
      switch (use) {
        case "uci":
          if (!(await machine.exec("uci show")).stdout) throw new Error("uci shows nothing.");
          break;
        case "beside":
          await machine.exec("true");
          break;
        case "write":
          await machine.writeFile(file, content);
          break;
        case "read": {
          const bytes = await machine.readFile(file);
          if (bytes.length !== fileBytes || bytes[1000] !== 1000 % 251)
            throw new Error("The file is not what was written.");
          break;
        }
        case "output": {
          const { stdout } = await machine.exec(`head -c ${outputBytes} /dev/zero | tr '\\0' x`);
          if (stdout.length !== outputBytes)
            throw new Error(`${stdout.length} characters arrived.`);
          break;
        }
        case "reboot":
        case "rebootBehind":
          await machine.reboot();
      }
      const milliseconds = performance.now() - began;
      control.abort();
      return milliseconds;
    },
    { use, fileBytes: FILE_BYTES, outputBytes: OUTPUT_BYTES },
  );
}

/** A line a second on the console, in a router that nobody uses. @returns bytes of memory written to IndexedDB */
export async function measureKeeping(
  page: Page,
  url: string,
  firmware: string,
  milliseconds: number,
): Promise<number> {
  await open(page, `${url}?firmware=${firmware}&overlay=keeping`);
  const [worker] = page.workers();
  if (!worker) throw new Error("The router has no worker.");
  await worker.evaluate(() => {
    const scope = globalThis as unknown as { written: number };
    scope.written = 0;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its store
    const { put } = IDBObjectStore.prototype;
    // A page, or a record of pages and their numbers.
    IDBObjectStore.prototype.put = function (value: object, key?: IDBValidKey) {
      const parts: unknown[] = ArrayBuffer.isView(value) ? [value] : Object.values(value);
      if (this.transaction.db.name.endsWith("/memory"))
        for (const part of parts) if (ArrayBuffer.isView(part)) scope.written += part.byteLength;
      return put.call(this, value, key);
    };
  });
  await page.evaluate(async () => {
    const machine: Machine | undefined = document.querySelector("openwrt-playground")?.machine;
    await machine?.exec("echo changed >/etc/changed; sync");
    await machine?.exec(
      "(while sleep 1; do date >/dev/console; done) </dev/null >/dev/null 2>&1 &",
    );
  });
  await page.waitForTimeout(milliseconds);
  return worker.evaluate(() => (globalThis as unknown as { written: number }).written);
}
