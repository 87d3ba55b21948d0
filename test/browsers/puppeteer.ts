/** Chromium by the DevTools protocol, Firefox by WebDriver BiDi. */
import puppeteer, { type Browser as Puppet, type Page } from "puppeteer-core";
import { CHROMIUM_FLAGS, chromium } from "../../scripts/lib/chromium.js";
import { killAll } from "../reliability/processes.js";
import type { Browser, Room, Tab } from "./engines.js";
import { answerOf, asExpression } from "./in-page.js";

const MOST_MS = 180_000;

export async function openChromium(profile: string, room?: Room): Promise<Browser> {
  const puppet = await puppeteer.launch({
    executablePath: chromium(),
    // Puppeteer's own list would switch off what people have.
    ignoreDefaultArgs: true,
    args: [
      ...CHROMIUM_FLAGS,
      `--user-data-dir=${profile}`,
      "--remote-debugging-port=0",
      "about:blank",
    ],
    protocolTimeout: MOST_MS,
  });
  const browser = await browserOf(puppet, profile);
  if (room) {
    const [page] = await puppet.pages();
    // It lasts as long as its session.
    const session = await page?.createCDPSession();
    await session?.send("Storage.overrideQuotaForOrigin", {
      origin: new URL(room.site).origin,
      quotaSize: room.bytes,
    });
  }
  return browser;
}

export async function openFirefox(profile: string, room?: Room): Promise<Browser> {
  const puppet = await puppeteer.launch({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    userDataDir: profile,
    headless: true,
    protocolTimeout: MOST_MS,
    extraPrefsFirefox: {
      // In KiB, and for all sites; one may have a fifth of it, but 10 MiB at least.
      ...(room && {
        "dom.quotaManager.temporaryStorage.fixedLimit": Math.ceil((room.bytes * 5) / 1024),
      }),
    },
  });
  return browserOf(puppet, profile);
}

async function browserOf(puppet: Puppet, profile: string): Promise<Browser> {
  const pid = puppet.process()?.pid;
  if (pid === undefined) throw new Error("The browser has no process.");
  const first = (await puppet.pages())[0] ?? (await puppet.newPage());
  const second = await puppet.newPage();
  await first.bringToFront();
  return {
    version: (await puppet.version())
      .replace(/^HeadlessChrome|^Chrome/, "Chromium")
      .replace("/", " "),
    tabs: [tabOf(first), tabOf(second)],
    pid,
    kill: async () => {
      await killAll(pid, profile);
    },
  };
}

function tabOf(page: Page): Tab {
  page.on("dialog", (dialog) => void dialog.accept());
  return {
    goto: async (url) => {
      await page.goto(url);
    },
    run: async (body, ...args) => answerOf(await page.evaluate(asExpression(body, args))),
    inFrames: async (expression) => {
      const answers: unknown[] = [];
      for (const frame of page.frames()) {
        try {
          answers.push(await frame.evaluate(expression));
        } catch {
          // It was replaced while we asked.
        }
      }
      return answers;
    },
  };
}
