/**
 * An overlay as version 1 of the stored format wrote it (first written by commit 9134bc9, last by 2872642), key by key.
 * Nothing here may follow the code under test: people have such databases in their browsers.
 */

const CHUNK_BYTES = 65536;
const CREATED = 1_763_900_000_000;

export const FIRMWARE_1 = "3f".repeat(32);
export const DISK_BYTES_1 = 100_663_296;

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

/** The chunks of the fixture. */
export function chunks1(): Map<number, Uint8Array<ArrayBuffer>> {
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

/** Name of the fixture's database. */
export function name1(overlay: string): string {
  return `openwrt-playground/${overlay}/${FIRMWARE_1}`;
}

/**
 * Writes the fixture into the browser.
 *
 * @param header what the header has instead of the right one
 */
export function writeVersion1(
  overlay: string,
  header: unknown = {
    format: 1,
    overlay,
    firmware: FIRMWARE_1,
    diskBytes: DISK_BYTES_1,
    chunkBytes: CHUNK_BYTES,
    created: CREATED,
  },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name1(overlay), 1);
    request.onupgradeneeded = () => void request.result.createObjectStore("overlay");
    request.onerror = () => reject(request.error ?? new Error("no database"));
    request.onsuccess = () => {
      const transaction = request.result.transaction("overlay", "readwrite", {
        durability: "strict",
      });
      const store = transaction.objectStore("overlay");
      for (const [index, chunk] of chunks1()) store.put(chunk, index);
      store.put(header, "header");
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
      transaction.oncomplete = () => {
        request.result.close();
        resolve();
      };
    };
  });
}
