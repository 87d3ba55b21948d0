/** What the tests of restored routers ask: what a page fetched, and whether the memory that is kept is the newest. */
import type { Page } from "@playwright/test";
import type { Router } from "./fixtures.js";

/** Collects the paths of everything that a page fetches from now on. */
export function fetchesOf(page: Page): string[] {
  const paths: string[] = [];
  page.on("request", (request) => paths.push(new URL(request.url()).pathname));
  return paths;
}

/** Whether a router was booted, and not restored, while these were fetched. */
export function isBooted(fetches: readonly string[]): boolean {
  return fetches.some((path) => path.endsWith("/bzImage"));
}

/** Saves the router's memory as a page does that is about to be closed. */
export async function leave(page: Page): Promise<void> {
  await page.evaluate(() => window.dispatchEvent(new Event("pagehide")));
}

/** Generations of what is stored of a page's one overlay: of its disk, and of the memory that is kept. */
export function generations(page: Page): Promise<{ disk: unknown; memory: unknown }> {
  return page.evaluate(async () => {
    const read = (name: string, store: string, key: IDBValidKey) =>
      new Promise<unknown>((resolve, reject) => {
        const open = indexedDB.open(name);
        open.onerror = () => reject(new Error(open.error?.message));
        open.onsuccess = () => {
          const get = open.result.transaction(store).objectStore(store).get(key);
          get.onsuccess = () => resolve(get.result);
          get.onerror = () => reject(new Error(get.error?.message));
          open.result.close();
        };
      });
    const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
    const memory = names.find((name) => name.endsWith("/memory"));
    const disk = memory?.replace(/\/memory$/, "");
    if (!memory || !disk || !names.includes(disk)) return { disk: 0, memory: undefined };
    const header = (await read(memory, "state", "header")) as { generation: number } | undefined;
    const generation = (await read(disk, "overlay", "generation")) as { number: number };
    return { disk: generation.number, memory: header?.generation };
  });
}

/** Whether the next visit can go on from the memory that is kept. */
export async function isKept(router: Router): Promise<boolean> {
  const { disk, memory } = await generations(router.page);
  return memory !== undefined && memory === disk;
}
