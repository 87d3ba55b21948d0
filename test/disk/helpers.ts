import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";

type Chunk = Uint8Array<ArrayBuffer>;

let serial = 0;

/** An overlay that no other test uses. */
export function freshIdentity(diskBytes = 96 << 20) {
  return {
    overlay: `test-${Date.now()}-${serial++}`,
    root: "f".repeat(64),
    diskBytes,
  };
}

/** A chunk whose bytes follow from a seed. */
export function chunkOf(seed: number, bytes = CHUNK_BYTES): Chunk {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + seed * 97) & 0xff);
}

/** Seeds by number to chunks by number. */
export function chunksOf(seeds: Record<number, number>, bytes = CHUNK_BYTES): Map<number, Chunk> {
  return new Map(
    Object.entries(seeds).map(([index, seed]) => [Number(index), chunkOf(seed, bytes)]),
  );
}

/** Fails when two arrays of bytes differ; much quicker than chai's comparison of large ones. */
export function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  const differs = expected.findIndex((byte, at) => actual[at] !== byte);
  if (actual.length === expected.length && differs === -1) return;
  throw new Error(
    `${actual.length} bytes for ${expected.length}; byte ${differs} is ${actual[differs] ?? NaN}, not ${expected[differs] ?? NaN}`,
  );
}

/** What a promise rejected with; an error of its own when it did not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The promise did not reject.");
}

/**
 * Aborts the real IndexedDB transaction that makes the next `put`, in its middle: after that request succeeded.
 *
 * @returns takes the trap away again
 */
export function abortNextWrite(): () => void {
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const original = IDBObjectStore.prototype.put;
  const restore = () => (IDBObjectStore.prototype.put = original);
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args) {
    const request = original.apply(this, args);
    // What nobody would miss may be put before it (leveldb-log.ts).
    if (this.transaction.durability === "relaxed") return request;
    restore();
    request.onsuccess = () => this.transaction.abort();
    return request;
  };
  return restore;
}

/** Every key and value of a database, as they are, without the code under test. */
export async function dump(name: string): Promise<{ version: number; entries: unknown[] }> {
  const db = await requested(indexedDB.open(name));
  const { version } = db;
  const store = db.transaction("overlay").objectStore("overlay");
  const [keys, values] = await Promise.all([
    requested(store.getAllKeys()),
    requested<unknown[]>(store.getAll()),
  ]);
  db.close();
  return { version, entries: keys.map((key, at) => [key, values[at]]) };
}

export function requested<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("request failed"));
  });
}
