/** A visitor comes back after the site was updated: what an older version of it stored is there. */
import type { Page } from "@playwright/test";
import type * as Playground from "../../src/elements/index.js";
import { expect, test } from "./fixtures.js";

/** The kernels that this project shipped while stored routers were named by them (kernels/v86-6.12/bzImage). */
const KERNELS = {
  "the last": "3f42ff65d3cdbe6d48c909538ee6f359dc3e9066ec1194f7a4e12b849084256f",
  "an earlier": "b5b64382dd6b7cebd449ab76665ce11183130e02c40b75b55eec243210172900",
};

/** Stores the page's one router as version 3 of the format did, for a kernel, and nothing else. @returns its key */
function asVersion3(page: Page, kernel: string): Promise<string> {
  return page.evaluate(async (kernelDigest) => {
    const answer = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error(request.error?.message));
      });
    const names = (await indexedDB.databases()).map(({ name = "" }) => name);
    const [key = ""] = names.filter((name) => !name.endsWith("/memory"));
    const db = await answer(indexedDB.open(key));
    const store = db.transaction("overlay").objectStore("overlay");
    const [keys, values] = await Promise.all([
      answer(store.getAllKeys()),
      answer<unknown[]>(store.getAll()),
    ]);
    db.close();
    const [, overlay = "", root = ""] = key.split("/");
    const text = `openwrt-playground firmware 1\nkernel ${kernelDigest}\nroot ${root}\n`;
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const firmware = Array.from(new Uint8Array(hash), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
    const oldKey = `openwrt-playground/${overlay}/${firmware}`;
    const opening = indexedDB.open(oldKey, 3);
    opening.onupgradeneeded = () => void opening.result.createObjectStore("overlay");
    const old = await answer(opening);
    const writing = old.transaction("overlay", "readwrite");
    const target = writing.objectStore("overlay");
    keys.forEach((at, index) => {
      if (typeof at === "number") target.put(values[index], at);
    });
    const header = { format: 3, overlay, firmware, diskBytes: 100_663_296, chunkBytes: 32_768 };
    target.put({ ...header, created: 1_763_900_000_000 }, "header");
    target.put(4711, "generation");
    await new Promise((resolve) => (writing.oncomplete = resolve));
    old.close();
    for (const name of names) await answer(indexedDB.deleteDatabase(name));
    return oldKey;
  }, kernel);
}

for (const [which, kernel] of Object.entries(KERNELS))
  test(`a router that was stored with ${which} kernel's name has its settings, and is stored anew`, async ({
    page,
    site,
    router,
  }) => {
    await router.output("uci set system.@system[0].hostname=older && uci commit system && sync");
    await page.goto(`${site}icon.svg`);
    const oldKey = await asVersion3(page, kernel);

    await page.goto(`${site}?firmware=demo`);
    await router.reaches("running");
    expect(await router.output("uci get system.@system[0].hostname")).toBe("older");
    const names = await page.evaluate(async () =>
      (await indexedDB.databases()).map(({ name, version }) => `${name ?? ""} ${version ?? 0}`),
    );
    expect(names.join()).not.toContain(oldKey);
    expect(names.filter((name) => name.endsWith(" 4"))).toHaveLength(1);
    await router.output("echo more > /etc/more; sync");
    await page.reload();
    await router.reaches("running");
    expect(await router.output("cat /etc/more && uci get system.@system[0].hostname")).toBe(
      "more\nolder",
    );
  });

test("every stored router is in the list, and one that runs is in use", async ({
  page,
  site,
  router,
}) => {
  await router.output("echo one > /etc/one; sync");
  await page.goto(`${site}?firmware=demo&overlay=other`);
  await router.reaches("running");
  await router.output("echo two > /etc/two; sync");
  const list = await page.evaluate(async (assets) => {
    const { Overlay } = (await import(`${assets}openwrt-playground.js`)) as typeof Playground;
    return (await Overlay.list()).map(({ name, title, inUse, bytes, problem }) => ({
      ...{ name, title, inUse, problem, hasBytes: bytes > 0 },
    }));
  }, `${site}playground/`);
  const title = "Demo firmware (OpenWrt layout, not OpenWrt) 1.0";
  expect(list).toEqual([
    { name: "default", title, inUse: false, hasBytes: true },
    { name: "other", title, inUse: true, hasBytes: true },
  ]);
});
