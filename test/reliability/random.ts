/** Random numbers that come again with the same seed, so that a failed run can be repeated. */
export class Random {
  #state: number;

  /** @param seed any integer; the lower 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to, not including, 1. Mulberry32 by Tommy Ettinger (public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = this.#state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** An integer from `low` to `high`; every order of magnitude is as likely as the others. */
  magnitude(low: number, high: number): number {
    return Math.min(high, Math.floor(low * (high / low) ** this.next()));
  }

  /** @throws {RangeError} there is nothing to pick from */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError("There is nothing to pick from.");
    return from[Math.floor(this.next() * from.length)] as T;
  }
}
