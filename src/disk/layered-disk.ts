/**
 * The router's disk: an immutable image below, the user's chunks on top, and a write cache above both.
 *
 * A write is accepted into memory, and durable when a {@link LayeredDisk.flush} that was asked for after it resolves;
 * what is stored is always the disk after some number of writes, in their order. That is what ATA promises of a drive
 * with a volatile write cache, so a guest's fsync means what it means on real hardware. When the store fails the disk
 * stalls: reads and flushes stay pending, written bytes stay in memory, until somebody decides. Knows nothing of v86,
 * partitions or OpenWrt.
 */
import type { Chunk, Chunks, ChunkStore } from "./chunk-store.js";
import { type StorageError, toStorageError } from "./errors.js";
import type { ImageLayer } from "./image-layer.js";
import { memoryChunkStore } from "./memory-chunk-store.js";
import { type Piece, piecesOf } from "./pieces.js";
import { WriteBack } from "./write-back.js";

/**
 * Bytes of stored chunks kept in memory, so that a write that changes a part of one needs no read first: a read from
 * IndexedDB waits for the commit under way. Enough for all that most routers ever write.
 */
const CACHE_BYTES = 64 * 1024 * 1024;
/** Bytes that may wait for a commit; a write beyond that waits itself. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

export interface DiskOptions {
  readonly base: ImageLayer;
  readonly store: ChunkStore;
  /** chunk size in bytes, a power of two */
  readonly chunkBytes: number;
  /**
   * Whole chunks over the image that a disk begins with on which nothing was written yet; else it is not looked at. They
   * are stored with the first change, so that what is stored never depends on them again.
   */
  readonly seed?: Chunks | undefined;
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
  /** what the disk begins with and is not stored yet */
  #seed: Chunks;
  /** whether it is to be stored though nothing was changed */
  #seedIsWanted = false;
  /** whether what is stored is the seed, and no change */
  #isSeedAlone = false;
  /** recently used chunks, least recently used first; never newer than the store */
  readonly #cache = new Map<number, Chunk>();
  readonly #zeros: Chunk;
  readonly #unsaved = new WriteBack((chunks) => this.#commit(chunks));
  /** writes that could not be accepted at once, in their order */
  #lastWrite: Promise<void> = Promise.resolve();
  #queuedWrites = 0;
  /** requests that failed and wait for a decision */
  readonly #waiting: (() => void)[] = [];

  private constructor(options: DiskOptions, stored: number[]) {
    this.#base = options.base;
    this.#store = options.store;
    this.#chunkBytes = options.chunkBytes;
    this.#zeros = new Uint8Array(options.chunkBytes);
    this.#onStall = options.onStall ?? (() => undefined);
    this.#onCommit = options.onCommit ?? (() => undefined);
    this.#stored = new Set(stored);
    this.#seed = stored.length === 0 ? (options.seed ?? new Map()) : new Map();
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

  /**
   * What the user's layer holds: bytes of whole chunks, their number, and how durable they are. A seed that was stored
   * without a change to the disk does not count.
   */
  get usage(): { bytes: number; chunks: number; durability: ChunkStore["durability"] } {
    const chunks = this.#isSeedAlone ? 0 : this.#stored.size;
    return { bytes: chunks * this.#chunkBytes, chunks, durability: this.#store.durability };
  }

  /** Whether what is stored is all of this disk; else it is still the image and what it began with. */
  get isOwn(): boolean {
    return this.#stored.size > 0;
  }

  /** Number of the content that is stored, see {@link ChunkStore.generation}. */
  get generation(): number {
    return this.#store.generation();
  }

  /**
   * @returns `length` bytes from byte `offset`, a copy of the caller's own
   * @throws {RangeError} outside the disk
   */
  async read(offset: number, length: number): Promise<Chunk> {
    const now = this.readNow(offset, length);
    if (now) return now;
    const into = new Uint8Array(length);
    for (const piece of piecesOf(offset, length, this.#chunkBytes))
      this.#fill(
        into.subarray(piece.at, piece.at + piece.length),
        piece,
        this.#inMemory(piece.index) ?? (await this.#fetched(piece.index)),
      );
    return into;
  }

  /** The same, at once, when no stored chunk has to be fetched for it; else `undefined`. */
  readNow(offset: number, length: number): Chunk | undefined {
    this.#check(offset, length);
    const pieces = piecesOf(offset, length, this.#chunkBytes);
    if (pieces.some(({ index }) => this.#mustFetch(index))) return undefined;
    const into = new Uint8Array(length);
    for (const piece of pieces)
      this.#fill(
        into.subarray(piece.at, piece.at + piece.length),
        piece,
        this.#inMemory(piece.index),
      );
    return into;
  }

  /**
   * @param data bytes to write at byte `offset`; not changed by the caller until this resolves
   * @returns when the write is accepted: every later read has it, and every later flush stores it
   * @throws {RangeError} outside the disk
   */
  async write(offset: number, data: Uint8Array): Promise<void> {
    if (this.writeNow(offset, data)) return;
    this.#queuedWrites++;
    const write = this.#lastWrite.then(() => this.#acceptLater(offset, data));
    this.#lastWrite = write.finally(() => this.#queuedWrites--);
    return write;
  }

  /** The same, at once, when nothing has to be waited for; else `false`, and nothing is written. */
  writeNow(offset: number, data: Uint8Array): boolean {
    this.#check(offset, data.length);
    const pieces = piecesOf(offset, data.length, this.#chunkBytes);
    if (this.#queuedWrites > 0 || this.#isFull()) return false;
    if (pieces.some((piece) => piece.length < this.#chunkBytes && this.#mustFetch(piece.index)))
      return false;
    this.#accept(pieces, data);
    return true;
  }

  /**
   * The router has no use any more for what lies there: it reads as zeros from now on, and is not stored where the image
   * has zeros. As durable, and in its order, as a write.
   *
   * @param length bytes from byte `offset` on
   * @throws {RangeError} outside the disk
   */
  async discard(offset: number, length: number): Promise<void> {
    this.#check(offset, length);
    this.#queuedWrites++;
    const discard = this.#lastWrite.then(async () => {
      for (const piece of piecesOf(offset, length, this.#chunkBytes))
        if (!this.#isBlank(piece.index))
          await this.#acceptLater(offset + piece.at, this.#zeros.subarray(0, piece.length));
    });
    this.#lastWrite = discard.finally(() => this.#queuedWrites--);
    return discard;
  }

  /** Whether every accepted write is stored. */
  get flushed(): boolean {
    return this.#queuedWrites === 0 && this.#unsaved.clean;
  }

  /** Resolves when every write issued so far is stored. */
  async flush(): Promise<void> {
    await this.#lastWrite;
    await this.#unsaved.flush();
  }

  /**
   * Stores what the disk begins with, as its first change would, so that what is stored is this disk and no other:
   * kept memory needs a generation to belong to. Does nothing when there is no seed or it is stored.
   */
  async storeSeed(): Promise<void> {
    const [first] = this.#seed;
    if (!first) return;
    const [index, chunk] = first;
    this.#seedIsWanted = true;
    if (!this.#unsaved.edit(index)) this.#unsaved.add(index, chunk.slice());
    await this.flush();
  }

  /**
   * All chunks of the user's layer at one moment, with those that are not stored yet: a disk whose plug was pulled
   * then.
   *
   * @throws {StorageError} the store cannot be read, and not all chunks are in memory
   */
  snapshot(): Promise<Map<number, Chunk>> {
    return this.#unsaved.hold(async () => {
      for (;;) {
        const { commits } = this.#unsaved;
        const stored = await this.#storedChunks();
        // A batch that was stored meanwhile may be in neither; with the others held that happens once.
        if (this.#unsaved.commits !== commits) continue;
        const chunks = new Map([...this.#seed, ...stored]);
        for (const [index, chunk] of this.#unsaved.chunks()) chunks.set(index, chunk.slice());
        return chunks;
      }
    });
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

  async #storedChunks(): Promise<Chunks> {
    try {
      return await this.#store.snapshot();
    } catch (error) {
      if ([...this.#stored].every((index) => this.#cache.has(index))) return this.#cache;
      throw toStorageError(error);
    }
  }

  /** Stores a batch of whole chunks, however often it has to be tried. */
  async #commit(batch: Chunks): Promise<void> {
    const changed = new Map<number, Chunk>();
    const dropped: number[] = [];
    for (const [index, chunk] of batch) {
      // Filesystems clear tables that are zeros already, and what was freed: what the image has needs no storing.
      if (!this.#isInitial(index, chunk)) changed.set(index, chunk);
      else if (this.#stored.has(index)) dropped.push(index);
    }
    // A disk of which nothing is stored would be one on which nothing was ever written.
    if (dropped.length === this.#stored.size && changed.size === 0)
      for (const index of dropped.splice(0)) changed.set(index, batch.get(index) ?? this.#zeros);
    if (changed.size > 0 || dropped.length > 0 || this.#seedIsWanted) {
      this.#isSeedAlone = changed.size === 0 && dropped.length === 0;
      for (const [index, chunk] of this.#seed) if (!changed.has(index)) changed.set(index, chunk);
      await this.#insist(() => this.#store.commit(changed, dropped));
      this.#seed = new Map();
      this.#seedIsWanted = false;
    }
    for (const index of dropped) {
      this.#stored.delete(index);
      this.#cache.delete(index);
    }
    for (const [index, chunk] of changed) {
      this.#stored.add(index);
      this.#remember(index, chunk);
    }
    this.#onCommit();
  }

  /**
   * Puts a write into the write cache.
   *
   * @param older what the chunks that it changes in part held before, when that is not in memory
   */
  #accept(pieces: readonly Piece[], data: Uint8Array, older?: Chunks): void {
    for (const { index, from, at, length } of pieces) {
      const part = data.subarray(at, at + length);
      const chunk = this.#unsaved.edit(index);
      if (chunk) chunk.set(part, from);
      else if (length === this.#chunkBytes) this.#unsaved.add(index, part.slice());
      else {
        const before = older?.get(index) ?? this.#inMemory(index);
        const changed = before?.slice() ?? this.#imageChunk(index);
        changed.set(part, from);
        this.#unsaved.add(index, changed);
      }
    }
    this.#unsaved.written();
  }

  async #acceptLater(offset: number, data: Uint8Array): Promise<void> {
    while (this.#isFull()) await this.#unsaved.flush();
    const pieces = piecesOf(offset, data.length, this.#chunkBytes);
    // Held here, for the cache may forget one while another is fetched. No other write comes between.
    const older = new Map<number, Chunk>();
    for (const { index, length } of pieces) {
      if (length === this.#chunkBytes) continue;
      const chunk = this.#inMemory(index) ?? (await this.#fetched(index));
      if (chunk) older.set(index, chunk);
    }
    this.#accept(pieces, data, older);
  }

  #isFull(): boolean {
    return this.#unsaved.waiting * this.#chunkBytes > MAX_WAITING_BYTES;
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

  #imageChunk(index: number): Chunk {
    const chunk = new Uint8Array(this.#chunkBytes);
    const start = index * this.#chunkBytes;
    this.#base.copy(start, chunk.subarray(0, Math.min(chunk.length, this.byteLength - start)));
    return chunk;
  }

  /** Whether a chunk is all zeros, as the image has it. */
  #isBlank(index: number): boolean {
    return (
      !this.#stored.has(index) && !this.#inMemory(index) && this.#isInitial(index, this.#zeros)
    );
  }

  /** Whether this is what the disk held before anything was written. */
  #isInitial(index: number, chunk: Chunk): boolean {
    const seed = this.#seed.get(index);
    if (seed) return chunk.every((byte, at) => byte === seed[at]);
    const start = index * this.#chunkBytes;
    return this.#base.equals(start, chunk.subarray(0, this.byteLength - start));
  }

  #mustFetch(index: number): boolean {
    return this.#stored.has(index) && !this.#inMemory(index);
  }

  #inMemory(index: number): Chunk | undefined {
    return this.#unsaved.get(index) ?? this.#cache.get(index) ?? this.#seed.get(index);
  }

  /** A stored chunk, from the store; `undefined` when the image has it. Not to be changed. */
  async #fetched(index: number): Promise<Chunk | undefined> {
    if (!this.#stored.has(index)) return undefined;
    const chunk = await this.#insist(() => this.#store.read(index));
    // A write may have put a newer one there while we waited for the store, or a discard may have dropped it.
    const newest = this.#inMemory(index) ?? (this.#stored.has(index) ? chunk : undefined);
    if (newest === chunk) this.#remember(index, chunk);
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
