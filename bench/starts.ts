/** How long a router takes to answer, from opening the page: each way of starting in turn, so that all are hit by the same noise. */
import type { Page } from "@playwright/test";
import type { Machine } from "../src/elements/index.js";

/**
 * - `first`: an untouched overlay, restored from the factory state, files in the HTTP cache
 * - `uci`: the same, until the first `uci show` is done
 * - `reset`: from the click to a shell
 * - `resume`: an overlay with changes, whose memory was kept
 * - `soon`: the same, left so soon after a change that only a quick save helps
 * - `cold`: an overlay with changes, whose memory was not kept: booted
 */
export type Start = "first" | "uci" | "reset" | "resume" | "soon" | "cold";
/** milliseconds of each run */
export type StartTimes = Record<Start, number[]>;

const KEPT_MS = 60_000;
/** How long after a change somebody leaves, in milliseconds. */
const SOON_MS = 1500;

/** @param url address of the site's page, ending in "/" */
export async function measureStarts(
  page: Page,
  url: string,
  firmware: string,
  runs: number,
): Promise<StartTimes> {
  const times: StartTimes = { first: [], uci: [], reset: [], resume: [], soon: [], cold: [] };
  for (let run = -1; run < runs; run++) {
    // The first round fills the HTTP cache and is not counted.
    const note = (start: Start, milliseconds: number) => {
      if (run >= 0) times[start].push(milliseconds);
    };
    const address = `${url}?firmware=${firmware}&overlay=start-${run + 1}`;
    await page.goto(`${url}icon.svg`);
    await page.evaluate(() => localStorage.setItem("openwrt-playground/keep-memory", "on"));

    const opened = performance.now();
    await open(page, address);
    note("first", performance.now() - opened);
    await exec(page, "uci show");
    note("uci", performance.now() - opened);

    await exec(page, "echo changed >/etc/changed; sync");
    note(
      "reset",
      await page.evaluate(async () => {
        const began = performance.now();
        await document.querySelector("openwrt-playground")?.machine.reset();
        return performance.now() - began;
      }),
    );
    await exec(page, "echo changed >/etc/changed; sync");
    await memoryIsKept(page);
    note("resume", await reopened(page, url, address));
    await exec(page, `uci set system.@system[0].hostname=run${run + 1}; uci commit`);
    await page.waitForTimeout(SOON_MS);
    note("soon", await reopened(page, url, address));
    await exec(page, "echo changed again >/etc/changed; sync");
    await page.evaluate(() => localStorage.setItem("openwrt-playground/keep-memory", "off"));
    note("cold", await reopened(page, url, address));
  }
  return times;
}

async function reopened(page: Page, url: string, address: string): Promise<number> {
  await page.goto(`${url}icon.svg`);
  const began = performance.now();
  await open(page, address);
  return performance.now() - began;
}

/** Opens a router and waits until its shell answers. */
export async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForFunction(
    () => document.querySelector("openwrt-playground")?.machine.state === "running",
    null,
    { timeout: 300_000 },
  );
}

async function exec(page: Page, command: string): Promise<void> {
  await page.evaluate(async (text) => {
    const machine: Machine | undefined = document.querySelector("openwrt-playground")?.machine;
    await machine?.exec(text);
  }, command);
}

/** Waits until the memory was saved after the last change: then it is of use. */
async function memoryIsKept(page: Page): Promise<void> {
  await page.waitForFunction(
    async () =>
      ((await document.querySelector("openwrt-playground")?.machine.storage())?.memoryBytes ?? 0) >
      0,
    null,
    { timeout: KEPT_MS, polling: 500 },
  );
  // A commit of the filesystem's own may follow a change by some seconds.
  await page.waitForTimeout(15_000);
}
