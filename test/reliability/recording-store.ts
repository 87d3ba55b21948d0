/** A chunk store in memory that writes down every commit, as the difference that it made. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ChunkStore } from "../../src/disk/chunk-store.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import type { Random } from "./random.js";

/** Unit of comparison in bytes: a sector, the least that a disk writes whole. */
const SECTOR = 512;
/** Longest time that a commit takes, in milliseconds; real ones take about 1.3. */
const SLOWEST_MS = 4;

/** One run of bytes that a commit changed. */
export interface Change {
  /** byte on the disk */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export type Commit = readonly Change[];

/**
 * A commit counts when it is complete, and takes a while: a disk that answers the guest too early, or does not
 * wait for one commit before the next, shows in the recorded order.
 *
 * @param original what the disk holds where nothing was committed
 * @param commits filled as they complete
 */
export function recordingStore(
  original: (offset: number, into: Uint8Array) => void,
  chunkBytes: number,
  random: Random,
  commits: Commit[],
): ChunkStore {
  const store = memoryChunkStore();
  const stored = new Set<number>();

  async function before(index: number): Promise<Uint8Array> {
    if (stored.has(index)) return store.read(index);
    const chunk = new Uint8Array(chunkBytes);
    original(index * chunkBytes, chunk);
    return chunk;
  }

  return {
    ...store,
    async commit(chunks, dropped = []) {
      const taken = new Map([...chunks].map(([index, chunk]) => [index, chunk.slice()] as const));
      await sleep(random.next() * SLOWEST_MS);
      const changes: Change[] = [];
      for (const [index, chunk] of taken)
        changes.push(...differences(index * chunkBytes, await before(index), chunk));
      for (const index of dropped) {
        const chunk = new Uint8Array(chunkBytes);
        original(index * chunkBytes, chunk);
        changes.push(...differences(index * chunkBytes, await before(index), chunk));
      }
      await store.commit(taken, dropped);
      for (const index of taken.keys()) stored.add(index);
      for (const index of dropped) stored.delete(index);
      commits.push(changes);
    },
  };
}

function differences(offset: number, before: Uint8Array, after: Uint8Array): Change[] {
  const changes: Change[] = [];
  for (let at = 0; at < after.length; at += SECTOR) {
    const sector = Buffer.from(after.buffer, after.byteOffset + at, SECTOR);
    if (sector.equals(before.subarray(at, at + SECTOR))) continue;
    const last = changes.at(-1);
    // Runs of changed sectors are kept as one.
    if (last && last.offset + last.bytes.length === offset + at)
      changes[changes.length - 1] = {
        offset: last.offset,
        bytes: after.slice(last.offset - offset, at + SECTOR),
      };
    else changes.push({ offset: offset + at, bytes: Buffer.from(sector) });
  }
  return changes;
}
