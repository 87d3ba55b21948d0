/**
 * Partition tables of a disk image: MBR with extended partitions, and GPT.
 *
 * Reads a bounded number of bytes and ends on every input, as the image may come from anywhere. Looks at the
 * tables only, never at what the partitions hold.
 *
 * @see UEFI specification 2.10, chapter 5, for both tables; Linux, block/partitions/ for what is seen in the wild
 */
import type { ByteSource } from "./byte-source.js";
import { crc32 } from "../common/crc32.js";
import { ImageError } from "./image-error.js";

/** OpenWrt's images and v86's disks have sectors of 512 bytes. */
const SECTOR_BYTES = 512;

const MBR_SIGNATURE = 0xaa55;
const MBR_ENTRIES = 446;
const MBR_ENTRY_BYTES = 16;
const TYPE_PROTECTIVE = 0xee;
/** CHS, LBA and Linux extended partitions. */
const EXTENDED_TYPES = [0x05, 0x0f, 0x85];
/** More than any tool makes; a chain that is longer is damaged. */
const MAX_LOGICAL = 128;

/** "EFI PART" as a little-endian u64. */
const GPT_SIGNATURE = 0x5452415020494645n;
const GPT_HEADER_MIN_BYTES = 92;
const GPT_ENTRY_MIN_BYTES = 128;
/** The usual 128 entries of 128 bytes are 16 KiB. */
const GPT_TABLE_MAX_BYTES = 1024 * 1024;
const GPT_NAME_BYTES = 72;

export interface Partition {
  /** number as Linux counts, from 1; logical partitions of an MBR from 5 */
  readonly index: number;
  /** MBR: two hex digits after "0x"; GPT: the type GUID in lower case */
  readonly type: string;
  /** first byte on the disk, inside the image */
  readonly start: number;
  /**
   * size in bytes by the table. OpenWrt's images that are not padded end before their last partition does, so
   * `start + length` may lie behind the image's end.
   */
  readonly length: number;
  /** GPT only, when it has one */
  readonly name?: string;
}

/**
 * @param disk the whole disk image
 * @returns the partitions in the table's order; none when there is no partition table
 * @throws {ImageError} `damaged` when a table contradicts itself, its checksum or the image's size; `truncated` when
 *   the image ends inside a table; whatever `disk.read` throws
 */
export async function readPartitions(disk: ByteSource): Promise<Partition[]> {
  if (disk.byteLength < SECTOR_BYTES) return [];
  const sector = await readView(disk, 0, SECTOR_BYTES);
  if (!isBootSector(sector)) return [];
  const entries = mbrEntries(sector);
  if (entries.some(({ type }) => type === TYPE_PROTECTIVE)) return readGpt(disk);
  return readMbr(disk, entries);
}

/** One of the four entries of a boot sector, in sectors. */
interface MbrEntry {
  readonly slot: number;
  readonly type: number;
  readonly first: number;
  readonly count: number;
}

async function readMbr(disk: ByteSource, entries: MbrEntry[]): Promise<Partition[]> {
  const partitions: Partition[] = [];
  for (const entry of entries)
    partitions.push(mbrPartition(disk, entry, entry.slot + 1, entry.first));
  const extended = entries.find(({ type }) => EXTENDED_TYPES.includes(type));
  if (extended) partitions.push(...(await readLogical(disk, extended)));
  return partitions;
}

/**
 * Follows the chain of boot sectors in an extended partition. Each holds one partition, counted from itself, and
 * the place of the next one, counted from the extended partition's start.
 */
async function readLogical(disk: ByteSource, extended: MbrEntry): Promise<Partition[]> {
  const partitions: Partition[] = [];
  const seen = new Set<number>();
  let at: number | undefined = extended.first;
  while (at !== undefined) {
    if (seen.has(at) || seen.size >= MAX_LOGICAL)
      throw damaged("its chain of logical partitions does not end");
    seen.add(at);
    const sector = await readView(disk, at * SECTOR_BYTES, SECTOR_BYTES);
    if (!isBootSector(sector)) throw damaged("a link of its logical partitions leads nowhere");
    const entries = mbrEntries(sector);
    const logical = entries.find(({ type }) => !EXTENDED_TYPES.includes(type));
    if (logical)
      partitions.push(mbrPartition(disk, logical, 5 + partitions.length, at + logical.first));
    const link = entries.find(({ type }) => EXTENDED_TYPES.includes(type));
    if (link && link.first >= extended.count)
      throw damaged("a link of its logical partitions leads out of the extended partition");
    at = link && extended.first + link.first;
  }
  return partitions;
}

function mbrPartition(
  disk: ByteSource,
  { type, count }: MbrEntry,
  index: number,
  first: number,
): Partition {
  return {
    index,
    type: `0x${type.toString(16).padStart(2, "0")}`,
    ...extent(disk, index, first, count),
  };
}

function isBootSector(sector: DataView): boolean {
  return sector.getUint16(510, true) === MBR_SIGNATURE;
}

/** The entries in use. */
function mbrEntries(sector: DataView): MbrEntry[] {
  return [0, 1, 2, 3]
    .map((slot) => {
      const at = MBR_ENTRIES + slot * MBR_ENTRY_BYTES;
      return {
        slot,
        type: sector.getUint8(at + 4),
        first: sector.getUint32(at + 8, true),
        count: sector.getUint32(at + 12, true),
      };
    })
    .filter(({ type, count }) => type !== 0 && count !== 0);
}

async function readGpt(disk: ByteSource): Promise<Partition[]> {
  const header = await readView(disk, SECTOR_BYTES, SECTOR_BYTES);
  if (header.getBigUint64(0, true) !== GPT_SIGNATURE) throw damaged("its GPT header is missing");
  const headerBytes = header.getUint32(12, true);
  if (headerBytes < GPT_HEADER_MIN_BYTES || headerBytes > SECTOR_BYTES)
    throw damaged(`its GPT header gives ${headerBytes} bytes as its size`);
  checkGptHeader(header, headerBytes);

  const count = header.getUint32(80, true);
  const entryBytes = header.getUint32(84, true);
  // 5.3.2: 128 × 2ⁿ bytes an entry.
  const goodSize =
    entryBytes >= GPT_ENTRY_MIN_BYTES && Number.isInteger(Math.log2(entryBytes)) && count > 0;
  if (!goodSize || count * entryBytes > GPT_TABLE_MAX_BYTES)
    throw damaged(`its GPT header announces ${count} entries of ${entryBytes} bytes`);
  const firstEntry = sectorNumber(header, 72);
  if (firstEntry < 2) throw damaged("its GPT entries lie over its header");
  const table = await readView(disk, firstEntry * SECTOR_BYTES, count * entryBytes);
  if (crc32(bytesOf(table, 0, table.byteLength)) !== header.getUint32(88, true))
    throw damaged("the checksum of its GPT entries is wrong");

  const partitions: Partition[] = [];
  for (let number = 0; number < count; number++) {
    const partition = gptPartition(disk, table, number * entryBytes, number + 1);
    if (partition) partitions.push(partition);
  }
  return partitions;
}

/** The checksum is counted with its own four bytes as zeros. */
function checkGptHeader(header: DataView, headerBytes: number): void {
  const covered = bytesOf(header, 0, headerBytes).slice();
  covered.fill(0, 16, 20);
  if (crc32(covered) !== header.getUint32(16, true))
    throw damaged("the checksum of its GPT header is wrong");
  if (header.getBigUint64(24, true) !== 1n) throw damaged("its GPT header is a misplaced copy");
}

function gptPartition(
  disk: ByteSource,
  table: DataView,
  at: number,
  index: number,
): Partition | undefined {
  const type = guid(table, at);
  if (/^[0-]*$/.test(type)) return undefined;
  const first = sectorNumber(table, at + 32);
  const last = sectorNumber(table, at + 40);
  const name = new TextDecoder("utf-16le")
    .decode(bytesOf(table, at + 56, GPT_NAME_BYTES))
    .replace(/\0[^]*$/, "");
  return {
    index,
    type,
    ...extent(disk, index, first, last - first + 1),
    ...(name && { name }),
  };
}

/** The first three fields of a GUID are little endian, the rest is a byte string. */
function guid(view: DataView, at: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  const tail = [...bytesOf(view, at + 8, 8)].map((byte) => hex(byte, 2)).join("");
  return [
    hex(view.getUint32(at, true), 8),
    hex(view.getUint16(at + 4, true), 4),
    hex(view.getUint16(at + 6, true), 4),
    tail.slice(0, 4),
    tail.slice(4),
  ].join("-");
}

/** Sectors to bytes. A partition begins behind the boot sector and inside the image. */
function extent(
  disk: ByteSource,
  index: number,
  first: number,
  count: number,
): Pick<Partition, "start" | "length"> {
  const start = first * SECTOR_BYTES;
  const length = count * SECTOR_BYTES;
  if (first < 1 || count < 1 || start >= disk.byteLength || !Number.isSafeInteger(start + length))
    throw damaged(
      `partition ${index} is said to begin at sector ${first} with ${count} sectors, and the image has ${Math.floor(disk.byteLength / SECTOR_BYTES)}`,
    );
  return { start, length };
}

/** @throws {ImageError} larger than any disk, so that sums of it stay exact */
function sectorNumber(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  if (value * SECTOR_BYTES > Number.MAX_SAFE_INTEGER)
    throw damaged(`it names sector ${value}, which no disk has`);
  return value;
}

async function readView(disk: ByteSource, offset: number, length: number): Promise<DataView> {
  if (offset + length > disk.byteLength)
    throw new ImageError(
      "truncated",
      `The disk image is truncated: its partition table goes on at byte ${offset}, and the image has ${disk.byteLength} bytes. Get the file again.`,
    );
  const bytes = await disk.read(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

function damaged(what: string): ImageError {
  return new ImageError(
    "damaged",
    `The partition table of the disk image is damaged: ${what}. Get the file again.`,
  );
}
