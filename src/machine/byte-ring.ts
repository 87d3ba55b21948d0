/** The newest bytes of a stream whose reader may be slow: a bounded buffer in which the oldest give way. */

const FIRST_BYTES = 4096;

export class ByteRing {
  #buffer = new Uint8Array(0);
  #start = 0;
  #length = 0;

  /** @param capacity the most bytes it holds; memory is taken as it is needed */
  constructor(readonly capacity: number) {}

  get length(): number {
    return this.#length;
  }

  /** @returns the byte at this place, counted from the oldest */
  at(index: number): number | undefined {
    return index < this.#length
      ? this.#buffer[(this.#start + index) % this.#buffer.length]
      : undefined;
  }

  /**
   * Appends a copy.
   *
   * @returns how many bytes were dropped to make room: the oldest, and of what is larger than the ring its beginning
   */
  push(bytes: Uint8Array): number {
    const kept = bytes.subarray(Math.max(0, bytes.length - this.capacity));
    const overflow = Math.max(0, this.#length + kept.length - this.capacity);
    this.drop(overflow);
    this.#reserve(this.#length + kept.length);
    const end = (this.#start + this.#length) % this.#buffer.length;
    const before = kept.subarray(0, this.#buffer.length - end);
    this.#buffer.set(before, end);
    this.#buffer.set(kept.subarray(before.length), 0);
    this.#length += kept.length;
    return overflow + bytes.length - kept.length;
  }

  /** Drops the oldest bytes. */
  drop(count: number): void {
    if (count >= this.#length) {
      this.#buffer = new Uint8Array(0);
      this.#start = this.#length = 0;
    } else {
      this.#start = (this.#start + count) % this.#buffer.length;
      this.#length -= count;
    }
  }

  /** @returns the oldest bytes, at most so many, the caller's own */
  take(most: number): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(Math.min(most, this.#length));
    const before = this.#buffer.subarray(this.#start, this.#start + taken.length);
    taken.set(before);
    taken.set(this.#buffer.subarray(0, taken.length - before.length), before.length);
    this.drop(taken.length);
    return taken;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    let size = Math.max(FIRST_BYTES, this.#buffer.length);
    while (size < bytes) size *= 2;
    const larger = new Uint8Array(Math.min(size, this.capacity));
    const length = this.#length;
    larger.set(this.take(length));
    this.#buffer = larger;
    this.#start = 0;
    this.#length = length;
  }
}
