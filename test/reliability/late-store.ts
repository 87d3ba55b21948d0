/**
 * The sabotage "late": an overlay store that says that a commit is stored, and stores it some time later, in order.
 * The machine runs as ever; only a kill shows the difference, and the kill test must find it.
 */
import type { ChunkStore } from "../../src/disk/chunk-store.js";
// The plugin of site.ts leaves the import of this file's own alone.
import { openOverlayStore as openHonestStore } from "../../src/overlay/overlay-store.js";

export * from "../../src/overlay/overlay-store.js";

const LATE_MS = 1500;

export async function openOverlayStore(
  ...given: Parameters<typeof openHonestStore>
): Promise<ChunkStore> {
  const honest = await openHonestStore(...given);
  /** `undefined`: dropped */
  const pending = new Map<number, Uint8Array<ArrayBuffer> | undefined>();
  let queue: Promise<void> = Promise.resolve();
  return {
    ...honest,
    async indexes() {
      const all = new Set([...(await honest.indexes()), ...pending.keys()]);
      return [...all].filter((index) => !pending.has(index) || pending.get(index));
    },
    async read(index) {
      return pending.get(index)?.slice() ?? honest.read(index);
    },
    commit(chunks, dropped = []) {
      const due = performance.now() + LATE_MS;
      const taken = new Map([...chunks].map(([index, chunk]) => [index, chunk.slice()] as const));
      for (const [index, chunk] of taken) pending.set(index, chunk);
      for (const index of dropped) pending.set(index, undefined);
      queue = queue.then(async () => {
        await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
        await honest.commit(taken, dropped);
        for (const [index, chunk] of taken) if (pending.get(index) === chunk) pending.delete(index);
        for (const index of dropped)
          if (pending.has(index) && pending.get(index) === undefined) pending.delete(index);
      });
      return Promise.resolve();
    },
  };
}
