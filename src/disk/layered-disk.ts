/**
 * The router's disk: an immutable image below, the user's chunks on top.
 *
 * A write resolves only after its chunks are committed to the chunk store, and writes are committed in the order
 * they were issued, so a guest's fsync means what it means on real hardware. When the store fails the disk stalls:
 * the request stays pending, a write with its bytes in memory, until somebody decides. Knows nothing of v86,
 * partitions or OpenWrt.
 */
import type { ChunkStore } from "./chunk-store.js";
import { type StorageError, toStorageError } from "./errors.js";
import type { ImageLayer } from "./image-layer.js";
import { memoryChunkStore } from "./memory-chunk-store.js";

/** Bytes of committed chunks kept in memory so that small writes need no read first. */
const CACHE_BYTES = 16 * 1024 * 1024;

type Chunk = Uint8Array<ArrayBuffer>;

export interface DiskOptions {
  readonly base: ImageLayer;
  readonly store: ChunkStore;
  /** chunk size in bytes, a power of two */
  readonly chunkBytes: number;
  /** called when the store failed; the request waits for {@link LayeredDisk.retry} or {@link LayeredDisk.detach} */
  readonly onStall?: (error: StorageError) => void;
  /** called after every commit, when {@link LayeredDisk.usage} may have changed */
  readonly onCommit?: () => void;
}

export class LayeredDisk {
  readonly #base: ImageLayer;
  readonly #chunkBytes: number;
  readonly #onStall: (error: StorageError) => void;
  readonly #onCommit: () => void;
  #store: ChunkStore;
  #stored: Set<number>;
  /** recently used chunks, least recently used first; never newer than the store */
  readonly #cache = new Map<number, Chunk>();
  #lastWrite: Promise<void> = Promise.resolve();
  /** chunks of a write that is under way or waits for a decision */
  #unsaved: ReadonlyMap<number, Chunk> = new Map();
  /** requests that failed and wait for a decision */
  readonly #waiting: (() => void)[] = [];

  private constructor(options: DiskOptions, stored: number[]) {
    this.#base = options.base;
    this.#store = options.store;
    this.#chunkBytes = options.chunkBytes;
    this.#onStall = options.onStall ?? (() => undefined);
    this.#onCommit = options.onCommit ?? (() => undefined);
    this.#stored = new Set(stored);
  }

  /**
   * @throws {StorageError} the store cannot be read
   * @throws {RangeError} it holds a chunk beyond the end of the disk
   */
  static async open(options: DiskOptions): Promise<LayeredDisk> {
    const stored = await options.store.indexes();
    const chunks = Math.ceil(options.base.byteLength / options.chunkBytes);
    const beyond = stored.find((index) => !Number.isInteger(index) || index < 0 || index >= chunks);
    if (beyond !== undefined) throw new RangeError(`Chunk ${beyond} lies outside the disk.`);
    return new LayeredDisk(options, stored);
  }

  /** Size in bytes. */
  get byteLength(): number {
    return this.#base.byteLength;
  }

  /** What the user's layer holds: bytes of whole chunks, their number, and how durable they are. */
  get usage(): { bytes: number; chunks: number; durability: ChunkStore["durability"] } {
    const chunks = this.#stored.size;
    return { bytes: chunks * this.#chunkBytes, chunks, durability: this.#store.durability };
  }

  /**
   * @returns `length` bytes from byte `offset`, a copy of the caller's own
   * @throws {RangeError} outside the disk
   */
  async read(offset: number, length: number): Promise<Chunk> {
    const now = this.readNow(offset, length);
    if (now) return now;
    const into = new Uint8Array(length);
    for (const piece of this.#pieces(offset, length)) {
      const chunk = this.#stored.has(piece.index)
        ? await this.#insist(() => this.#chunk(piece.index))
        : undefined;
      this.#fill(into.subarray(piece.at, piece.at + piece.length), piece, chunk);
    }
    return into;
  }

  /** The same, at once, when no stored chunk has to be fetched for it; else `undefined`. */
  readNow(offset: number, length: number): Chunk | undefined {
    this.#check(offset, length);
    const pieces = this.#pieces(offset, length);
    for (const { index } of pieces)
      if (this.#stored.has(index) && !this.#cache.has(index)) return undefined;
    const into = new Uint8Array(length);
    for (const piece of pieces)
      this.#fill(
        into.subarray(piece.at, piece.at + piece.length),
        piece,
        this.#cache.get(piece.index),
      );
    return into;
  }

  /**
   * @param data bytes to write at byte `offset`; not changed by the caller until this resolves
   * @throws {RangeError} outside the disk
   */
  async write(offset: number, data: Uint8Array): Promise<void> {
    this.#check(offset, data.length);
    const write = this.#lastWrite.then(() => this.#commit(offset, data));
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  /** Resolves when every write issued so far is settled. */
  async settled(): Promise<void> {
    await this.#lastWrite;
  }

  /** Drops the user's layer: the disk is the image again. */
  async reset(): Promise<void> {
    const reset = this.#lastWrite.then(async () => {
      await this.#store.clear();
      this.#stored = new Set();
      this.#cache.clear();
    });
    this.#lastWrite = reset.catch(() => undefined);
    return reset;
  }

  /**
   * All chunks of the user's layer at one moment, with those of a write that could not be stored yet: a disk whose plug
   * was pulled then.
   *
   * @throws {StorageError} the store cannot be read, and not all chunks are in memory
   */
  async snapshot(): Promise<Map<number, Chunk>> {
    const stored = await this.#store.snapshot().catch((error: unknown) => {
      if ([...this.#stored].every((index) => this.#cache.has(index))) return this.#cache;
      throw toStorageError(error);
    });
    return new Map([...stored, ...this.#unsaved]);
  }

  /** After a stall: tries the pending commit again. */
  retry(): void {
    this.#resume();
  }

  /** After a stall, or any time: from now on changes stay in memory; what is stored stays as it is. */
  async detach(): Promise<void> {
    if (this.#store.durability === "strict") {
      const memory = memoryChunkStore(this.#store);
      // The store may be gone: what is known of it must not depend on it any more.
      await memory.commit(this.#cache);
      this.#store = memory;
    }
    this.#resume();
  }

  /** Lets go of the store. */
  close(): void {
    this.#store.close();
  }

  async #commit(offset: number, data: Uint8Array): Promise<void> {
    if (data.length === 0) return;
    const chunks = await this.#insist(async () => {
      const changed = await this.#changed(offset, data);
      this.#unsaved = changed;
      if (changed.size > 0) await this.#store.commit(changed);
      return changed;
    });
    for (const [index, chunk] of chunks) {
      this.#stored.add(index);
      this.#remember(index, chunk);
    }
    this.#unsaved = new Map();
    this.#onCommit();
  }

  /** The whole chunks that a write changes, with the write in them. */
  async #changed(offset: number, data: Uint8Array): Promise<Map<number, Chunk>> {
    const chunks = new Map<number, Chunk>();
    for (const piece of this.#pieces(offset, data.length)) {
      const part = data.subarray(piece.at, piece.at + piece.length);
      const chunk =
        piece.length === this.#chunkBytes
          ? new Uint8Array(this.#chunkBytes)
          : await this.#whole(piece.index);
      chunk.set(part, piece.from);
      // Filesystems clear tables that are zeros already: what the image has needs no storing.
      if (this.#stored.has(piece.index) || !this.#isImage(piece.index, chunk))
        chunks.set(piece.index, chunk);
    }
    return chunks;
  }

  /** Tries until it works; after every failure it waits for a decision. */
  async #insist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const decision = new Promise<void>((resolve) => this.#waiting.push(resolve));
        this.#onStall(toStorageError(error));
        await decision;
      }
    }
  }

  #resume(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** The current content of a chunk, in a buffer of the caller's own. */
  async #whole(index: number): Promise<Chunk> {
    if (this.#stored.has(index)) return (await this.#chunk(index)).slice();
    return this.#imageChunk(index);
  }

  #imageChunk(index: number): Chunk {
    const chunk = new Uint8Array(this.#chunkBytes);
    const start = index * this.#chunkBytes;
    this.#base.copy(start, chunk.subarray(0, Math.min(chunk.length, this.byteLength - start)));
    return chunk;
  }

  #isImage(index: number, chunk: Chunk): boolean {
    const start = index * this.#chunkBytes;
    return this.#base.equals(start, chunk.subarray(0, this.byteLength - start));
  }

  async #chunk(index: number): Promise<Chunk> {
    const cached = this.#cache.get(index);
    const chunk = cached ?? (await this.#store.read(index));
    // A write may have put a newer one there while we waited for the store.
    const newest = this.#cache.get(index) ?? chunk;
    this.#remember(index, newest);
    return newest;
  }

  #remember(index: number, chunk: Chunk): void {
    this.#cache.delete(index);
    this.#cache.set(index, chunk);
    if (this.#cache.size * this.#chunkBytes <= CACHE_BYTES) return;
    const oldest = this.#cache.keys().next();
    if (!oldest.done) this.#cache.delete(oldest.value);
  }

  #fill(into: Uint8Array, piece: Piece, chunk: Chunk | undefined): void {
    if (chunk) into.set(chunk.subarray(piece.from, piece.from + piece.length));
    else this.#base.copy(piece.index * this.#chunkBytes + piece.from, into);
  }

  #pieces(offset: number, length: number): Piece[] {
    const pieces: Piece[] = [];
    for (let at = 0; at < length;) {
      const index = Math.floor((offset + at) / this.#chunkBytes);
      const from = (offset + at) % this.#chunkBytes;
      const size = Math.min(this.#chunkBytes - from, length - at);
      pieces.push({ index, from, at, length: size });
      at += size;
    }
    return pieces;
  }

  #check(offset: number, length: number): void {
    const inside =
      Number.isSafeInteger(offset) &&
      offset >= 0 &&
      length >= 0 &&
      offset + length <= this.byteLength;
    if (!inside)
      throw new RangeError(`Bytes ${offset} to ${offset + length} lie outside the disk.`);
  }
}

/** The part of a request that falls into one chunk. */
interface Piece {
  readonly index: number;
  /** byte in the chunk */
  readonly from: number;
  /** byte in the request */
  readonly at: number;
  readonly length: number;
}
