/** What people do with the page, once for all engines. Each flow has a router of its own, named after it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Engine, EngineName } from "./engines.js";
import { RouterTab, waitFor } from "./router.js";

const NAME = "uci get system.@system[0].hostname";
const rename = (name: string) => `uci set system.@system[0].hostname=${name}; uci commit`;

/** Room for a router's first changes, not for a large file. */
const ROOM_BYTES = 48_000_000;
const BALLAST_BYTES = 8_000_000;

export interface Scene {
  readonly engine: Engine;
  /** where the engine's profiles are */
  readonly folder: string;
  /** URL of the site */
  readonly site: string;
  readonly browser: Browser;
  /** a tab for the flow's router */
  readonly router: RouterTab;
  /** how often something that goes by chance is tried */
  readonly times: number;
}

export interface Flow {
  readonly name: string;
  readonly isShort?: true;
  run(scene: Scene): Promise<void>;
}

/** What an engine cannot do, and why. Everything else is run. */
export const NOT_POSSIBLE: readonly {
  readonly flow: string;
  readonly engine: EngineName;
  readonly reason: string;
}[] = [];

export const FLOWS: readonly Flow[] = [
  {
    name: "first visit",
    isShort: true,
    async run({ router }) {
      await router.load();
      assert.match(await router.output("uname -s"), /^Linux$/);
    },
  },
  {
    name: "change, reload",
    isShort: true,
    async run({ router }) {
      await router.load();
      await router.output(rename("kept"));
      // So that it is not the reload that saves.
      await router.output("sync");
      await router.load();
      assert.equal(await router.output(NAME), "kept");
    },
  },
  {
    name: "change, reboot",
    async run({ router }) {
      await router.load();
      await router.output(rename("rebooted"));
      await router.run("await machine.reboot()");
      assert.equal(await router.output(NAME), "rebooted");
      assert.equal(await router.output("cat /proc/sys/kernel/hostname"), "rebooted");
    },
  },
  {
    name: "reset",
    isShort: true,
    async run({ router }) {
      await router.load();
      await router.output(`${rename("dropped")}; sync`);
      await router.run("await machine.reset()");
      assert.equal(await router.output(NAME), "demo");
      await router.load();
      assert.equal(await router.output(NAME), "demo");
    },
  },
  {
    name: "two tabs",
    async run({ router, browser }) {
      await router.load();
      await router.output(rename("first"));
      const second = new RouterTab(browser.tabs[1], router.url);
      await second.load("failed");
      assert.equal(await second.run("return machine.error.problem"), "in-use");
      await second.run("await machine.takeOver()");
      assert.equal(await second.output(NAME), "first");
      assert.equal(await router.run("return machine.state"), "off");
    },
  },
  { name: "no room left", run: runOutOfRoom },
  {
    name: "web view",
    async run({ router }) {
      await router.load();
      const body = `
        const tabs = element.shadowRoot.querySelector("openwrt-views").shadowRoot.querySelectorAll("[role=tab]");
        const tab = [...tabs].find(({ textContent }) => textContent.includes("Web interface"));
        tab.click();`;
      await router.run(body);
      await waitFor(
        "the router's page",
        () =>
          router.tab.inFrames(
            "document.querySelector('label[for=hostname]') ? document.querySelector('h1').textContent : ''",
          ),
        (headings) => (headings as unknown[]).includes("demo"),
      );
    },
  },
  {
    name: "copy out and in",
    async run({ router }) {
      await router.load();
      await router.output(rename("copied"));
      await router.run("globalThis.copy = await machine.exportOverlay()");
      await router.run("await machine.reset()");
      assert.equal(await router.output(NAME), "demo");
      await router.run("await machine.importOverlay(globalThis.copy)");
      await router.reaches("running");
      assert.equal(await router.output(NAME), "copied");
    },
  },
  {
    name: "file in and out",
    async run({ router }) {
      await router.load();
      const body = `
        const data = new Uint8Array(1_000_003);
        for (let at = 0; at < data.length; at += 65536)
          crypto.getRandomValues(data.subarray(at, Math.min(at + 65536, data.length)));
        await machine.writeFile("/root/file", data);
        const back = await machine.readFile("/root/file");
        return back.length === data.length && back.every((byte, at) => byte === data[at]);`;
      assert.equal(await router.run(body), true);
      assert.equal(await router.output("wc -c < /root/file"), "1000003");
    },
  },
  {
    name: "what is stored is told",
    async run({ router }) {
      await router.load();
      await router.output(`${rename("told")}; sync`);
      const report = (await router.run("return machine.storage()")) as Record<string, unknown>;
      assert.equal(report["durability"], "strict");
      assert.ok(Number(report["bytes"]) > 0);
    },
  },
  { name: "browser killed", run: killBrowser },
];

/** What the browser has no room for is kept, and saved when there is room again. */
async function runOutOfRoom({ engine, folder, site, router: { url } }: Scene): Promise<void> {
  const browser = await engine.open(join(folder, "small"), { site, bytes: ROOM_BYTES });
  try {
    const router = new RouterTab(browser.tabs[0], url);
    await router.load();
    await router.output("echo before > /etc/before; sync");
    // What else the site stores; deleted, it makes room.
    const ballasts = await router.run(FILL, BALLAST_BYTES);
    assert.ok(Number(ballasts) > 2, `${String(ballasts)} ballasts`);
    await router.run(DROP, 0);
    await router.run(
      `globalThis.done = machine.exec("head -c " + args[0] + " /dev/urandom > /etc/big && sync && wc -c < /etc/big");
       globalThis.done.catch(() => undefined);`,
      3 * BALLAST_BYTES,
    );
    await router.until(
      "a stall",
      "return machine.stall?.problem ?? machine.state",
      (problem) => problem === "full",
    );
    for (let number = 1; number < Number(ballasts); number++) await router.run(DROP, number);
    await router.run("machine.retry()");
    const { stdout } = (await router.run("return globalThis.done")) as { stdout: string };
    assert.equal(Number(stdout), 3 * BALLAST_BYTES);
    await router.load();
    assert.equal(
      await router.output("cat /etc/before; wc -c < /etc/big"),
      `before\n${3 * BALLAST_BYTES}`,
    );
  } finally {
    await browser.kill();
  }
}

/** Stores databases until one does not fit. */
const FILL = `
  for (let number = 0; ; number++) {
    const data = new Uint8Array(args[0]);
    for (let at = 0; at < data.length; at += 65536)
      crypto.getRandomValues(data.subarray(at, Math.min(at + 65536, data.length)));
    const isStored = await new Promise((resolve, reject) => {
      const opening = indexedDB.open("ballast-" + number);
      opening.onerror = () => resolve(false);
      opening.onupgradeneeded = () => opening.result.createObjectStore("ballast");
      opening.onsuccess = () => {
        const transaction = opening.result.transaction("ballast", "readwrite");
        transaction.objectStore("ballast").put(data, 0);
        transaction.oncomplete = () => { opening.result.close(); resolve(true); };
        transaction.onabort = () => { opening.result.close(); resolve(false); };
      };
    });
    if (!isStored) return number;
    if (number > 50) throw new Error("There is no end of room.");
  }`;

const DROP = `
  await new Promise((resolve, reject) => {
    const deleting = indexedDB.deleteDatabase("ballast-" + args[0]);
    deleting.onsuccess = resolve;
    deleting.onerror = () => reject(deleting.error);
  });`;

/** What the router acknowledged is there after the sudden death of every process of the browser. */
async function killBrowser({ engine, folder, times, router: { url } }: Scene): Promise<void> {
  const profile = join(folder, "killed");
  for (let time = 0; time <= times; time++) {
    const browser = await engine.open(profile);
    try {
      const router = new RouterTab(browser.tabs[0], url);
      await router.load();
      const wanted = Array.from({ length: time }, (_, number) => `x${number}`).join("\n");
      assert.equal(await router.output("cat /etc/acknowledged 2>/dev/null || :"), wanted);
      if (time === times) return;
      await router.output(`echo x${time} >> /etc/acknowledged; sync`);
      await sleep(1000);
    } finally {
      await browser.kill();
    }
  }
}
