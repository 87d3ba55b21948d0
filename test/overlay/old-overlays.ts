/**
 * Overlays as older versions of the stored format wrote them, key by key: version 1 (first written by commit 9134bc9,
 * last by 2872642), version 2 (from 2111939 to 3dcfa8c) and version 3 (from 08e656b to 2f44935). Nothing here may follow
 * the code under test: people have such databases in their browsers.
 */
import { requested } from "../disk/helpers.js";

export type OldVersion = 1 | 2 | 3;
export const OLD_VERSIONS: readonly OldVersion[] = [1, 2, 3];

const CREATED = 1_763_900_000_000;
const CHUNK_BYTES: Record<OldVersion, number> = { 1: 65536, 2: 65536, 3: 32768 };

/** What such a version counted as its generation; version 1 did not. */
export const OLD_GENERATION: Record<OldVersion, number | undefined> = {
  1: undefined,
  2: 123_456_789,
  3: 223_456_789,
};

export const OLD_ROOT = "b".repeat(64);
/**
 * What firmware with this root was called, with the second kernel of this project and with the first:
 * printf 'openwrt-playground firmware 1\nkernel %s\nroot %s\n' KERNEL bb… | sha256sum
 */
export const OLD_FIRMWARE = "c19635f527b18f76010e6c81ff76affce94933140bdcf54660917d3a24a2c147";
export const OLDER_FIRMWARE = "34805a75bb98648026f7d7af6e539f1a89c3a01077e256396cc04db49fcd6b9b";
export const OLD_DISK_BYTES = 100_663_296;

/** What stands on the disk, in hex, by byte of the disk; zeros elsewhere. */
const CONTENT: readonly (readonly [at: number, hex: string])[] = [
  // The superblock of an ext4, a journal block, and the last bytes of the disk.
  [43 * 65536 + 1024, "00b40100d06d0600000000006b5d0600f5b301000100000002000000"],
  [44 * 65536, "c03b3998000000040000000000001000"],
  [44 * 65536 + 65535, "ff"],
  [61 * 65536 + 4096, "636f6e6669672073797374656d0a"],
  [1535 * 65536 + 65520, "0102030405060708090a0b0c0d0e0f10"],
];

/** The chunks of a fixture, or the same content cut otherwise. */
export function oldChunks(chunkBytes: number): Map<number, Uint8Array<ArrayBuffer>> {
  const chunks = new Map<number, Uint8Array<ArrayBuffer>>();
  for (const [at, hex] of CONTENT) {
    const index = Math.floor(at / chunkBytes);
    const chunk = chunks.get(index) ?? new Uint8Array(chunkBytes);
    chunks.set(index, chunk);
    chunk.set(
      (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16)),
      at % chunkBytes,
    );
  }
  return chunks;
}

/** Name of a fixture's database. */
export function oldName(overlay: string, firmware = OLD_FIRMWARE): string {
  return `openwrt-playground/${overlay}/${firmware}`;
}

/** The header of a fixture. */
export function oldHeader(version: OldVersion, overlay: string, firmware = OLD_FIRMWARE) {
  const chunkBytes = CHUNK_BYTES[version];
  return {
    format: version,
    overlay,
    firmware,
    diskBytes: OLD_DISK_BYTES,
    chunkBytes,
    created: CREATED,
  };
}

/**
 * Writes a fixture into the browser.
 *
 * @param others entries instead of the right ones, or beside them
 */
export async function writeOld(
  version: OldVersion,
  overlay: string,
  {
    firmware = OLD_FIRMWARE,
    others = {},
  }: { firmware?: string; others?: Record<string, unknown> } = {},
): Promise<void> {
  const request = indexedDB.open(oldName(overlay, firmware), version);
  request.onupgradeneeded = () => void request.result.createObjectStore("overlay");
  const db = await requested(request);
  const transaction = db.transaction("overlay", "readwrite", { durability: "strict" });
  const store = transaction.objectStore("overlay");
  for (const [index, chunk] of oldChunks(CHUNK_BYTES[version])) store.put(chunk, index);
  const generation = OLD_GENERATION[version];
  const entries = {
    header: oldHeader(version, overlay, firmware),
    ...(generation !== undefined && { generation }),
    ...others,
  };
  for (const [key, value] of Object.entries(entries)) store.put(value, key);
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });
  db.close();
}
