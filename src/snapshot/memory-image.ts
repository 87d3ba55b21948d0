/**
 * What a machine holds in memory, as pages of 4 KiB: the guest's memory first, then the state of the devices, which
 * v86 gives as one buffer. Pages of zeros are left out: they are nine of ten.
 *
 * A copy of all others is kept, and the next look compares with it. Digests would save the copy's 14 MiB and take the same
 * time (7 against 9 ms), but two pages with one digest would spoil a router without a word.
 */
import { PAGE_BYTES } from "./shared-pages.js";

/** 4 KiB in a buffer of their own, not changed any more. */
export type Page = Uint8Array<ArrayBuffer>;

/** Pages by number that are not what they were; `undefined` is a page that is all zeros now. */
export type PageChanges = ReadonlyMap<number, Page | undefined>;

/** A machine that is stopped. Valid until it goes on. */
export interface StoppedMachine {
  /** v86's state without the guest's memory; any size */
  readonly devices: ArrayBuffer;
  /** the guest's memory, whole pages of it, at a multiple of 4 in its buffer */
  readonly memory: Uint8Array;
  /**
   * Whether a page of the memory is all zeros, for who can tell quicker than by reading it in JavaScript (13 against
   * 25 ms for 128 MiB).
   */
  readonly isZero: (page: number) => boolean;
}

const WORDS = PAGE_BYTES / 4;

export class MemoryImage {
  readonly #pages: Map<number, Page>;

  /** @param pages what it begins with; taken over */
  constructor(pages: ReadonlyMap<number, Page> = new Map()) {
    this.#pages = new Map(pages);
  }

  /** Every page that is not all zeros, by number. */
  get pages(): ReadonlyMap<number, Page> {
    return this.#pages;
  }

  /** @returns what this machine has that the image has not, as copies */
  changes({ devices, memory, isZero }: StoppedMachine): PageChanges {
    const changes = new Map<number, Page | undefined>();
    const words = new Int32Array(memory.buffer, memory.byteOffset, memory.length / 4);
    const count = memory.length / PAGE_BYTES;
    for (let number = 0; number < count; number++)
      this.#compare(number, isZero(number) ? undefined : words, number, changes);
    const rest = wholePages(devices);
    const end = count + rest.length / WORDS;
    for (let number = count; number < end; number++) {
      const at = (number - count) * WORDS;
      const zero = rest.subarray(at, at + WORDS).every((word) => word === 0);
      this.#compare(number, zero ? undefined : rest, number - count, changes);
    }
    for (const number of this.#pages.keys()) if (number >= end) changes.set(number, undefined);
    return changes;
  }

  apply(changes: PageChanges): void {
    for (const [number, page] of changes) {
      if (page) this.#pages.set(number, page);
      else this.#pages.delete(number);
    }
  }

  /**
   * @param words where the page lies now; `undefined` when it is all zeros
   * @param at its number there
   */
  #compare(
    number: number,
    words: Int32Array | undefined,
    at: number,
    changes: Map<number, Page | undefined>,
  ): void {
    const before = this.#pages.get(number);
    if (!words) {
      if (before) changes.set(number, undefined);
    } else if (!before || !isSame(words, at * WORDS, new Int32Array(before.buffer)))
      changes.set(number, new Uint8Array(words.slice(at * WORDS, (at + 1) * WORDS).buffer));
  }
}

/** The parts of an image: the devices' state of so many bytes, and the pages of the guest's memory. */
export function partsOf(
  pages: ReadonlyMap<number, Page>,
  memoryBytes: number,
  deviceBytes: number,
): { devices: ArrayBuffer; memory: { address: number; content: Page }[] } {
  const devices = new Uint8Array(pagesFor(deviceBytes) * PAGE_BYTES);
  const memory: { address: number; content: Page }[] = [];
  for (const [number, content] of pages) {
    const address = number * PAGE_BYTES;
    if (address < memoryBytes) memory.push({ address, content });
    else devices.set(content, address - memoryBytes);
  }
  return { devices: devices.buffer.slice(0, deviceBytes), memory };
}

/** @returns how many pages so many bytes take */
export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

function isSame(words: Int32Array, at: number, before: Int32Array): boolean {
  const now = words.subarray(at, at + WORDS);
  // Four at a time take two thirds of the time of one.
  for (let i = 0; i < WORDS; i += 4) {
    const differs =
      ((now[i] ?? 0) ^ (before[i] ?? 0)) |
      ((now[i + 1] ?? 0) ^ (before[i + 1] ?? 0)) |
      ((now[i + 2] ?? 0) ^ (before[i + 2] ?? 0)) |
      ((now[i + 3] ?? 0) ^ (before[i + 3] ?? 0));
    if (differs !== 0) return false;
  }
  return true;
}

/** These bytes as words, with zeros up to the end of their last page. */
function wholePages(bytes: ArrayBuffer): Int32Array {
  const whole = new Uint8Array(pagesFor(bytes.byteLength) * PAGE_BYTES);
  whole.set(new Uint8Array(bytes));
  return new Int32Array(whole.buffer);
}
