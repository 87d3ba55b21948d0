/**
 * What v86's emulated drive lacks (0.5.462, src/ide.js): a write cache that the guest knows of, a FLUSH CACHE that takes
 * until everything is stored, and TRIM. Patches the drive's prototype, for its instances are sealed.
 *
 * @see ATA8-ACS 7.10 FLUSH CACHE, 7.12 IDENTIFY DEVICE words 82 and 85, 7.47 SET FEATURES; ACS-2 7.10 DATA SET
 *   MANAGEMENT, 7.16 IDENTIFY DEVICE words 69, 80, 105 and 169
 */
import { type ByteRange, V86Disk } from "./v86-disk.js";

const FLUSH_CACHE = 0xe7;
const FLUSH_CACHE_EXT = 0xea;
const SET_FEATURES = 0xef;
const ENABLE_WRITE_CACHE = 0x02;
const DISABLE_WRITE_CACHE = 0x82;
const WRITE_DMA_EXT = 0x35;
const DATA_SET_MANAGEMENT = 0x06;
const TRIM = 0x01;
/** Status register: busy; drive ready; seek complete; data request; error. */
const BSY = 0x80;
const DRDY = 0x40;
const DSC = 0x10;
const DRQ = 0x08;
const ERR = 0x01;
/** Error register: aborted. */
const ABRT = 0x04;
/** No command. */
const NONE = -1;
/** The bus master's status: active. */
const ACTIVE = 0x01;
/** An entry of the table of physical regions has 8 bytes; bit 7 of the last one ends it. */
const REGION_BYTES = 8;
const LAST_REGION = 0x80;
const SECTOR_BYTES = 512;
/** A range to trim has 8 bytes: 48 bits of sector, 16 of their number. */
const RANGE_BYTES = 8;
/** Blocks of ranges that one command takes. */
const MAX_RANGE_BLOCKS = 8;
/** IDENTIFY DEVICE: command sets supported, and enabled; bit 5 is the volatile write cache. */
const SUPPORTED_WORD = 82;
const ENABLED_WORD = 85;
const WRITE_CACHE_BIT = 1 << 5;

/** IDENTIFY DEVICE: what trimmed sectors read as is known, and is zeros; ATA/ATAPI-7; most blocks of ranges; TRIM. */
const ADDITIONAL_WORD = 69;
const ZEROS_AFTER_TRIM = 0x4020;
const MAJOR_VERSION_WORD = 80;
const ATA7 = 0x80;
const RANGE_BLOCKS_WORD = 105;
const DATA_SET_MANAGEMENT_WORD = 169;

/** What of the drive's channel is used here: its bus master (Intel 82371SB, 2.7). */
interface Channel {
  /** physical address of the table of physical regions */
  readonly prdt_addr: number;
  dma_status: number;
}

/** What of v86's drive is used here. */
export interface Drive {
  readonly buffer: unknown;
  readonly data: Uint8Array;
  readonly channel: Channel;
  readonly cpu: { readonly mem8: Uint8Array };
  /** the last two bytes written, the newer one below */
  features_reg: number;
  sector_count_reg: number;
  status_reg: number;
  error_reg: number;
  current_command: number;
  ata_command: (this: Drive, command: number) => void;
  create_identify_packet: (this: Drive) => void;
  /** called when the guest starts the bus master */
  do_ata_write_sectors_dma: (this: Drive) => void;
  push_irq(): void;
}

const patched = new WeakSet<object>();

/**
 * Gives all drives of this v86 a write cache and TRIM, as far as their disk is a {@link V86Disk}.
 *
 * @throws {Error} v86 has changed, and its drive is not what this file knows
 */
export function completeDrives(drive: Drive): void {
  const prototype = Object.getPrototypeOf(drive) as Drive;
  if (patched.has(prototype)) return;
  const { ata_command: command, create_identify_packet: identify } = prototype;
  const { do_ata_write_sectors_dma: writeByDma } = prototype;
  if ([command, identify, writeByDma].some((method) => typeof method !== "function"))
    throw new Error("v86's drive has changed: a method that is patched here is missing.");
  patched.add(prototype);

  prototype.ata_command = function (this: Drive, number) {
    const { buffer: disk } = this;
    wanted.delete(this);
    if (disk instanceof V86Disk) {
      if (number === FLUSH_CACHE || number === FLUSH_CACHE_EXT) return flush(this, disk, number);
      if (number === DATA_SET_MANAGEMENT) return wantRanges(this);
      const feature = number === SET_FEATURES ? this.features_reg & 0xff : undefined;
      if (feature === ENABLE_WRITE_CACHE) disk.writeCache = true;
      if (feature === DISABLE_WRITE_CACHE) {
        disk.writeCache = false;
        // What is in the cache has to be stored before this command completes, too.
        return flush(this, disk, number);
      }
    }
    command.call(this, number);
  };

  prototype.create_identify_packet = function (this: Drive) {
    identify.call(this);
    const { buffer: disk, data } = this;
    if (!(disk instanceof V86Disk)) return;
    const set = (word: number) => (data[2 * word] = (data[2 * word] ?? 0) | WRITE_CACHE_BIT);
    set(SUPPORTED_WORD);
    if (disk.writeCache) set(ENABLED_WORD);
    const words = new DataView(data.buffer, data.byteOffset, SECTOR_BYTES);
    words.setUint16(2 * ADDITIONAL_WORD, ZEROS_AFTER_TRIM, true);
    words.setUint16(
      2 * MAJOR_VERSION_WORD,
      words.getUint16(2 * MAJOR_VERSION_WORD, true) | ATA7,
      true,
    );
    words.setUint16(2 * RANGE_BLOCKS_WORD, MAX_RANGE_BLOCKS, true);
    words.setUint16(2 * DATA_SET_MANAGEMENT_WORD, TRIM, true);
  };

  prototype.do_ata_write_sectors_dma = function (this: Drive) {
    const { buffer: disk } = this;
    if (wanted.has(this) && disk instanceof V86Disk) trim(this, disk);
    else writeByDma.call(this);
  };
}

/** Drives whose next DMA brings ranges to trim. v86 begins no DMA for a command that it does not know: they write, to it. */
const wanted = new WeakSet<Drive>();

/** The ranges come by DMA. */
function wantRanges(drive: Drive): void {
  drive.error_reg = 0;
  const blocks = drive.sector_count_reg & 0xffff;
  if ((drive.features_reg & TRIM) === 0 || blocks < 1 || blocks > MAX_RANGE_BLOCKS)
    return refuse(drive);
  wanted.add(drive);
  drive.current_command = WRITE_DMA_EXT;
  drive.status_reg = DRDY | DSC | DRQ;
  drive.channel.dma_status |= ACTIVE;
}

function trim(drive: Drive, disk: V86Disk): void {
  wanted.delete(drive);
  const bytes = (drive.sector_count_reg & 0xffff) * SECTOR_BYTES;
  const ranges = rangesOf(gathered(drive, bytes));
  if (ranges.some(({ start, length }) => start + length > disk.byteLength)) return refuse(drive);
  const token = Symbol();
  pending.set(drive, token);
  drive.status_reg = BSY;
  disk.trim(ranges, () => {
    if (pending.get(drive) !== token) return;
    if (drive.current_command !== WRITE_DMA_EXT || drive.status_reg !== BSY) return;
    drive.status_reg = DRDY | DSC;
    drive.channel.dma_status &= ~ACTIVE;
    drive.current_command = NONE;
    drive.push_irq();
  });
}

function refuse(drive: Drive): void {
  drive.current_command = NONE;
  drive.error_reg = ABRT;
  drive.status_reg = DRDY | DSC | ERR;
  drive.channel.dma_status &= ~ACTIVE;
  drive.push_irq();
}

/** What the guest's table of physical regions points to, up to so many bytes; zeros where it ends before. */
function gathered({ cpu: { mem8 }, channel }: Drive, bytes: number): Uint8Array {
  const into = new Uint8Array(bytes);
  const memory = new DataView(mem8.buffer, mem8.byteOffset, mem8.byteLength);
  let at = 0;
  let region = channel.prdt_addr >>> 0;
  while (at < bytes && region + REGION_BYTES <= mem8.length) {
    const start = memory.getUint32(region, true);
    // 0 stands for 64 KiB.
    const length = Math.min(memory.getUint16(region + 4, true) || 0x10000, bytes - at);
    into.set(mem8.subarray(start, start + length), at);
    at += length;
    if (memory.getUint8(region + 7) & LAST_REGION) break;
    region += REGION_BYTES;
  }
  return into;
}

function rangesOf(blocks: Uint8Array): ByteRange[] {
  const view = new DataView(blocks.buffer);
  const ranges: ByteRange[] = [];
  for (let at = 0; at < blocks.length; at += RANGE_BYTES) {
    const sector = view.getUint32(at, true) + view.getUint16(at + 4, true) * 2 ** 32;
    const sectors = view.getUint16(at + 6, true);
    if (sectors > 0) ranges.push({ start: sector * SECTOR_BYTES, length: sectors * SECTOR_BYTES });
  }
  return ranges;
}

/** The flush or trim that each drive waits for: one that was given up and asked for again is another one. */
const pending = new WeakMap<Drive, symbol>();

function flush(drive: Drive, disk: V86Disk, command: number): void {
  const flush = Symbol();
  pending.set(drive, flush);
  drive.current_command = command;
  drive.error_reg = 0;
  drive.status_reg = BSY;
  disk.flush(() => {
    // A reset of the drive meanwhile ended the command; libata may then have asked again.
    if (pending.get(drive) !== flush) return;
    if (drive.current_command !== command || drive.status_reg !== BSY) return;
    drive.status_reg = DRDY | DSC;
    drive.push_irq();
  });
}
