/**
 * Overlays as older versions of the stored format wrote them, key by key: version 1 (first written by commit 9134bc9,
 * last by 2872642) and version 2 (from 2111939 to 3dcfa8c). Nothing here may follow the code under test: people have
 * such databases in their browsers.
 */

const CHUNK_BYTES = 65536;
const CREATED = 1_763_900_000_000;

export const OLD_FIRMWARE = "3f".repeat(32);
export const OLD_DISK_BYTES = 100_663_296;

/** By chunk number: byte in the chunk and what stands there, in hex; zeros elsewhere. */
const CONTENT: Record<number, readonly (readonly [at: number, hex: string])[]> = {
  // The superblock of an ext4, a journal block, and the last chunk of the disk.
  43: [[1024, "00b40100d06d0600000000006b5d0600f5b301000100000002000000"]],
  44: [
    [0, "c03b3998000000040000000000001000"],
    [65535, "ff"],
  ],
  61: [[4096, "636f6e6669672073797374656d0a"]],
  1535: [[65520, "0102030405060708090a0b0c0d0e0f10"]],
};

/** The chunks of both fixtures, of 65,536 bytes. */
export function oldChunks(): Map<number, Uint8Array<ArrayBuffer>> {
  return new Map(
    Object.entries(CONTENT).map(([index, parts]) => {
      const chunk = new Uint8Array(CHUNK_BYTES);
      for (const [at, hex] of parts)
        chunk.set(
          (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16)),
          at,
        );
      return [Number(index), chunk];
    }),
  );
}

/** Name of a fixture's database. */
export function oldName(overlay: string): string {
  return `openwrt-playground/${overlay}/${OLD_FIRMWARE}`;
}

const HEADER = {
  firmware: OLD_FIRMWARE,
  diskBytes: OLD_DISK_BYTES,
  chunkBytes: CHUNK_BYTES,
  created: CREATED,
};

/**
 * Writes the fixture of version 1 into the browser.
 *
 * @param header what the header has instead of the right one
 */
export function writeVersion1(
  overlay: string,
  header: unknown = { format: 1, overlay, ...HEADER },
): Promise<void> {
  return write(overlay, 1, { header });
}

/** The generation in the fixture of version 2. */
export const GENERATION_2 = 123_456_789;

/** Writes the fixture of version 2 into the browser, with other entries where some are given. */
export function writeVersion2(
  overlay: string,
  others: Record<string, unknown> = {},
): Promise<void> {
  const header = { format: 2, overlay, ...HEADER };
  return write(overlay, 2, { header, generation: GENERATION_2, ...others });
}

function write(overlay: string, version: number, others: Record<string, unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(oldName(overlay), version);
    request.onupgradeneeded = () => void request.result.createObjectStore("overlay");
    request.onerror = () => reject(request.error ?? new Error("no database"));
    request.onsuccess = () => {
      const transaction = request.result.transaction("overlay", "readwrite", {
        durability: "strict",
      });
      const store = transaction.objectStore("overlay");
      for (const [index, chunk] of oldChunks()) store.put(chunk, index);
      for (const [key, value] of Object.entries(others)) store.put(value, key);
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
      transaction.oncomplete = () => {
        request.result.close();
        resolve();
      };
    };
  });
}
