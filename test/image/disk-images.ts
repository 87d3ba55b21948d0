/** Hand-built headers for the tests of src/disk and src/cli. */
import { crc32 } from "../../src/common/crc32.js";

export const SECTOR = 512;

export interface SuperblockFields {
  magic?: number;
  blockBytes?: number;
  blockLog?: number;
  compression?: number;
  major?: number;
  minor?: number;
  bytesUsed?: bigint;
}

/** A squashfs superblock that is good unless a field says otherwise. 96 bytes. */
export function superblock(fields: SuperblockFields = {}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(96);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, fields.magic ?? 0x73717368, true);
  view.setUint32(4, 7, true);
  view.setUint32(8, 1_500_000_000, true);
  view.setUint32(12, fields.blockBytes ?? 131072, true);
  view.setUint16(20, fields.compression ?? 4, true);
  view.setUint16(22, fields.blockLog ?? 17, true);
  view.setUint16(28, fields.major ?? 4, true);
  view.setUint16(30, fields.minor ?? 0, true);
  view.setBigUint64(40, fields.bytesUsed ?? 1000n, true);
  return bytes;
}

/** Type, first sector, number of sectors. */
export type MbrEntry = readonly [type: number, first: number, count: number];

/** Writes a boot sector with these entries into a disk. */
export function putBootSector(disk: Uint8Array, sector: number, entries: readonly MbrEntry[]) {
  const view = new DataView(disk.buffer, disk.byteOffset + sector * SECTOR, SECTOR);
  entries.forEach(([type, first, count], slot) => {
    const at = 446 + slot * 16;
    view.setUint8(at + 4, type);
    view.setUint32(at + 8, first, true);
    view.setUint32(at + 12, count, true);
  });
  view.setUint16(510, 0xaa55, true);
}

export interface GptEntry {
  /** first byte of the type GUID; the others count on from it */
  type: number;
  first: bigint;
  last: bigint;
  name?: string;
}

/** Writes a protective MBR, a GPT header and 128 entries at sector 2 into a disk. */
export function putGpt(disk: Uint8Array, entries: readonly GptEntry[]) {
  putBootSector(disk, 0, [[0xee, 1, disk.length / SECTOR - 1]]);
  const view = new DataView(disk.buffer, disk.byteOffset);
  entries.forEach(({ type, first, last, name = "" }, index) => {
    const at = 2 * SECTOR + index * 128;
    for (let i = 0; i < 16; i++) view.setUint8(at + i, type + i);
    view.setBigUint64(at + 32, first, true);
    view.setBigUint64(at + 40, last, true);
    for (let i = 0; i < name.length; i++) view.setUint16(at + 56 + i * 2, name.charCodeAt(i), true);
  });
  const header = SECTOR;
  new TextEncoder().encodeInto("EFI PART", disk.subarray(header));
  view.setUint32(header + 8, 0x10000, true);
  view.setUint32(header + 12, 92, true);
  view.setBigUint64(header + 24, 1n, true);
  view.setBigUint64(header + 72, 2n, true);
  view.setUint32(header + 80, 128, true);
  view.setUint32(header + 84, 128, true);
  sealGpt(disk);
}

/** Makes the checksums of a GPT with 128 entries at sector 2 right again. */
export function sealGpt(disk: Uint8Array) {
  const view = new DataView(disk.buffer, disk.byteOffset);
  const table = disk.subarray(2 * SECTOR, 2 * SECTOR + 128 * 128);
  view.setUint32(SECTOR + 88, crc32(table), true);
  view.setUint32(SECTOR + 16, 0, true);
  view.setUint32(SECTOR + 16, crc32(disk.subarray(SECTOR, SECTOR + 92)), true);
}
