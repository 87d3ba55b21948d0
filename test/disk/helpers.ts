import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";

/** A chunk whose bytes follow from a seed. */
export function chunkOf(seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: CHUNK_BYTES }, (_, at) => (at * 31 + seed * 97) & 0xff);
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
