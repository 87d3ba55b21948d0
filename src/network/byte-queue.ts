/**
 * Bytes that wait for a reader, in blocks: a thousand segments of one byte must not become a thousand objects.
 * How many there are is the business of whoever fills it.
 */
import type { Bytes } from "../common/bytes.js";
const BLOCK_BYTES = 16 * 1024;

export class ByteQueue {
  readonly #blocks: { bytes: Bytes; used: number }[] = [];

  /** Appends a copy. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      let tail = this.#blocks.at(-1);
      if (tail === undefined || tail.used === tail.bytes.length) {
        tail = { bytes: new Uint8Array(BLOCK_BYTES), used: 0 };
        this.#blocks.push(tail);
      }
      const part = rest.subarray(0, tail.bytes.length - tail.used);
      tail.bytes.set(part, tail.used);
      tail.used += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** @returns the first bytes, the caller's own; `undefined` when there are none */
  take(): Bytes | undefined {
    const block = this.#blocks.shift();
    return (
      block && (block.used === block.bytes.length ? block.bytes : block.bytes.slice(0, block.used))
    );
  }

  clear(): void {
    this.#blocks.length = 0;
  }
}
