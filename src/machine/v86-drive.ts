/**
 * What v86's emulated drive lacks (0.5.462, src/ide.js): a write cache that the guest knows of, and a FLUSH CACHE that
 * takes until everything is stored. Patches the drive's prototype, for its instances are sealed.
 *
 * @see ATA8-ACS 7.10 FLUSH CACHE, 7.12 IDENTIFY DEVICE words 82 and 85, 7.47 SET FEATURES
 */
import { V86Disk } from "./v86-disk.js";

const FLUSH_CACHE = 0xe7;
const FLUSH_CACHE_EXT = 0xea;
const SET_FEATURES = 0xef;
const ENABLE_WRITE_CACHE = 0x02;
const DISABLE_WRITE_CACHE = 0x82;
/** Status register: busy; drive ready; seek complete. */
const BSY = 0x80;
const DRDY = 0x40;
const DSC = 0x10;
/** IDENTIFY DEVICE: command sets supported, and enabled; bit 5 is the volatile write cache. */
const SUPPORTED_WORD = 82;
const ENABLED_WORD = 85;
const WRITE_CACHE_BIT = 1 << 5;

/** What of v86's drive is used here. */
export interface Drive {
  readonly buffer: unknown;
  readonly data: Uint8Array;
  /** the last two bytes written, the newer one below */
  features_reg: number;
  status_reg: number;
  error_reg: number;
  current_command: number;
  ata_command: (this: Drive, command: number) => void;
  create_identify_packet: (this: Drive) => void;
  push_irq(): void;
}

const patched = new WeakSet<object>();

/**
 * Gives all drives of this v86 a write cache, as far as their disk is a {@link V86Disk}.
 *
 * @throws {Error} v86 has changed, and its drive is not what this file knows
 */
export function addWriteCache(drive: Drive): void {
  const prototype = Object.getPrototypeOf(drive) as Drive;
  if (patched.has(prototype)) return;
  const { ata_command: command, create_identify_packet: identify } = prototype;
  if (typeof command !== "function" || typeof identify !== "function")
    throw new Error("v86's drive has changed: ata_command or create_identify_packet is missing.");
  patched.add(prototype);

  prototype.ata_command = function (this: Drive, number) {
    const { buffer: disk } = this;
    if (disk instanceof V86Disk) {
      if (number === FLUSH_CACHE || number === FLUSH_CACHE_EXT) return flush(this, disk, number);
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
  };
}

/** The flush that each drive waits for: one that was given up and asked for again is another one. */
const flushes = new WeakMap<Drive, symbol>();

function flush(drive: Drive, disk: V86Disk, command: number): void {
  const flush = Symbol();
  flushes.set(drive, flush);
  drive.current_command = command;
  drive.error_reg = 0;
  drive.status_reg = BSY;
  disk.flush(() => {
    // A reset of the drive meanwhile ended the command; libata may then have asked again.
    if (flushes.get(drive) !== flush) return;
    if (drive.current_command !== command || drive.status_reg !== BSY) return;
    drive.status_reg = DRDY | DSC;
    drive.push_irq();
  });
}
