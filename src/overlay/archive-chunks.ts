/** The body of an exported overlay before compression: one record a chunk, in the order of their numbers. */
import { ArchiveError } from "./archive-error.js";
import { crc32 } from "../common/crc32.js";
import { type ArchiveHeader, RECORD_HEADER_BYTES } from "./archive-header.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** All records, one by one, without a copy of the chunks. */
export function chunkRecords(chunks: ReadonlyMap<number, Bytes>): ReadableStream<Bytes> {
  const indexes = [...chunks.keys()].sort((a, b) => a - b).values();
  return new ReadableStream<Bytes>({
    pull(controller) {
      const next = indexes.next();
      const chunk = next.done ? undefined : chunks.get(next.value);
      if (next.done || !chunk) return controller.close();
      const header = new DataView(new ArrayBuffer(RECORD_HEADER_BYTES));
      header.setUint32(0, next.value, true);
      header.setUint32(4, crc32(chunk), true);
      controller.enqueue(new Uint8Array(header.buffer));
      controller.enqueue(chunk);
    },
  });
}

/**
 * Reads records from a stream, and stops at the first byte too many: holds no more than the announced chunks.
 *
 * @param header checked against the disk
 * @throws {ArchiveError} `damaged`
 * @throws whatever the stream fails with
 */
export async function readRecords(
  stream: ReadableStream<Uint8Array>,
  header: ArchiveHeader,
): Promise<Map<number, Bytes>> {
  const reader = stream.getReader();
  const records = new RecordReader(header);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return records.end();
      records.take(value);
    }
  } catch (error) {
    // Its failure is the one that is told already.
    reader.cancel().catch(() => undefined);
    throw error;
  }
}

/** Puts records together from parts of any size. */
class RecordReader {
  readonly #chunks = new Map<number, Bytes>();
  readonly #header: ArchiveHeader;
  readonly #recordHeader: Bytes = new Uint8Array(RECORD_HEADER_BYTES);
  /** bytes there are of the current record's header, and of its chunk */
  #filled = 0;
  #chunk: Bytes | undefined;
  #lastIndex = -1;

  constructor(header: ArchiveHeader) {
    this.#header = header;
  }

  take(part: Uint8Array): void {
    for (let rest = part; rest.length > 0;) {
      if (this.#chunks.size === this.#header.chunks)
        throw new ArchiveError("damaged", "it has more chunks than it announces");
      const target = this.#chunk ?? this.#recordHeader;
      const fits = rest.subarray(0, target.length - this.#filled);
      target.set(fits, this.#filled);
      this.#filled += fits.length;
      rest = rest.subarray(fits.length);
      if (this.#filled === target.length) this.#next();
    }
  }

  end(): Map<number, Bytes> {
    if (this.#chunks.size < this.#header.chunks)
      throw new ArchiveError("damaged", "it has fewer chunks than it announces");
    return this.#chunks;
  }

  /** A record's header or its chunk is complete. */
  #next(): void {
    this.#filled = 0;
    const { index, checksum } = this.#current();
    if (!this.#chunk) {
      const { diskBytes, chunkBytes } = this.#header;
      if (index <= this.#lastIndex || index >= Math.ceil(diskBytes / chunkBytes))
        throw new ArchiveError("damaged", `chunk ${index} is out of order or outside the disk`);
      this.#chunk = new Uint8Array(chunkBytes);
      return;
    }
    if (crc32(this.#chunk) !== checksum)
      throw new ArchiveError("damaged", `the checksum of chunk ${index} is wrong`);
    this.#chunks.set(index, this.#chunk);
    this.#lastIndex = index;
    this.#chunk = undefined;
  }

  #current(): { index: number; checksum: number } {
    const view = new DataView(this.#recordHeader.buffer);
    return { index: view.getUint32(0, true), checksum: view.getUint32(4, true) };
  }
}
