/** Hostile inputs for readers of files: random and spoilt ones, the same for the same seed. */

/** `FUZZ_SEED=n FUZZ_RUNS=n npx tsx --test test/fuzz/*.test.ts` tries others, or more. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_251_124);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 100_000);
/** No reader takes a thousandth of this for the inputs here. */
const HANG_MS = 10_000;
/** Inputs have some kilobytes; what grows is the collector's rest. */
const MAX_GROWTH_MIB = 400;

const EDGES = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];
const EDGES_64 = [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

export type Bytes = Uint8Array<ArrayBuffer>;

/** Mulberry32: small and good enough. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = this.#state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** True in one of `times` cases. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  bytes(length: number): Bytes {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.below(256);
    return bytes;
  }

  text(maxLength: number): string {
    const codes = Array.from({ length: this.below(maxLength) }, () =>
      this.oneIn(4) ? this.below(0x10000) : 32 + this.below(96),
    );
    return String.fromCharCode(...codes);
  }
}

/**
 * A copy with a few changes: bits, edge values of 1 to 8 bytes, runs, moved parts, another length.
 *
 * @param places where bytes matter; changes of single places go there
 */
export function spoil(good: Bytes, random: Random, places?: readonly number[]): Bytes {
  let bytes = good.slice();
  for (let changes = 1 + random.below(6); changes > 0; changes--) {
    if (bytes.length < 16) return bytes;
    const view = new DataView(bytes.buffer);
    const at = Math.min(
      places ? random.pick(places) + random.below(4) : random.below(bytes.length),
      bytes.length - 8,
    );
    switch (random.below(places ? 12 : 9)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        view.setUint16(at, random.pick(EDGES), true);
        break;
      case 2:
        view.setUint32(at, random.pick(EDGES), true);
        break;
      case 3:
        view.setBigUint64(at, random.pick(EDGES_64), true);
        break;
      case 4:
        bytes.fill(random.below(256), at, at + random.below(64));
        break;
      case 5:
        bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
        break;
      case 6:
        if (random.oneIn(4)) bytes = bytes.slice(0, random.below(bytes.length));
        break;
      case 7:
        if (random.oneIn(4)) bytes = followedBy(bytes, random.bytes(random.below(600)));
        break;
      default:
        bytes[at] = random.below(256);
    }
  }
  return bytes;
}

function followedBy(bytes: Bytes, more: Bytes): Bytes {
  const longer = new Uint8Array(bytes.length + more.length);
  longer.set(bytes);
  longer.set(more, bytes.length);
  return longer;
}

/**
 * Reads very many inputs. Prints the seed and how often each came out.
 *
 * @param attempt makes one input, reads it, checks what came, and tells in a word how it ended; throws what no reader
 *   may throw
 */
export async function fuzz(
  what: string,
  attempt: (random: Random) => string | Promise<string>,
): Promise<void> {
  const counts = new Map<string, number>();
  const before = process.memoryUsage().rss;
  const began = performance.now();
  for (let run = 0; run < RUNS; run++) {
    // A seed for each run, so that one can be repeated alone.
    const seed = SEED + run;
    const start = performance.now();
    let outcome: string;
    try {
      outcome = await attempt(new Random(seed));
    } catch (cause) {
      const error = cause instanceof Error ? cause.stack : String(cause);
      throw new Error(`${what}: FUZZ_SEED=${seed} FUZZ_RUNS=1 fails: ${error}`, { cause });
    }
    if (performance.now() - start > HANG_MS) throw new Error(`${what}: seed ${seed} hangs`);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  const outcomes = [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${name} ${n}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const grown = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
  console.log(
    `${what}: ${RUNS} inputs from seed ${SEED} in ${seconds} s, memory grew by ${grown} MiB: ${outcomes.join(", ")}`,
  );
  if (grown > MAX_GROWTH_MIB) throw new Error(`${what}: memory grew by ${grown} MiB`);
}
