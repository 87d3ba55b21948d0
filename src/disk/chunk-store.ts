/**
 * Where changed chunks of a disk are kept. A chunk is a run of `chunkBytes` bytes; chunk `i` starts at byte
 * `i * chunkBytes` of the disk. Stores know nothing of what the bytes mean.
 */

/** The bytes of one chunk, in a buffer of their own. */
export type Chunk = Uint8Array<ArrayBuffer>;
/** Whole chunks of a disk by number. */
export type Chunks = ReadonlyMap<number, Chunk>;

/**
 * `strict`: a resolved commit is in a completed IndexedDB transaction with `durability: "strict"`, or in a file that was
 * synced since.
 * `memory`: a resolved commit is lost with the worker.
 */
export type Durability = "strict" | "memory";

export interface ChunkStore {
  readonly durability: Durability;

  /** Numbers of all stored chunks. Called once, when a disk is opened. */
  indexes(): Promise<number[]>;

  /**
   * @param index number of a stored chunk
   * @returns its bytes, a copy of the caller's own
   * @throws {StorageError} the chunk cannot be read
   */
  read(index: number): Promise<Chunk>;

  /**
   * All chunks at one moment: no commit is in it by half. Takes as much memory as they have bytes.
   *
   * @returns copies of the caller's own
   * @throws {StorageError} a chunk cannot be read
   */
  snapshot(): Promise<Map<number, Chunk>>;

  /**
   * Stores all of these chunks and drops those, or does nothing, after everything committed before.
   *
   * @param chunks whole chunks by number; each `Uint8Array` spans its own buffer and is not changed until this settles
   * @param dropped numbers of stored chunks that are stored no more; none of `chunks`
   * @throws {StorageError} nothing was stored; the same commit may be tried again
   */
  commit(chunks: Chunks, dropped?: readonly number[]): Promise<void>;

  /**
   * Drops every chunk and stores these instead, in one step.
   *
   * @param chunks as for {@link commit}
   * @throws {StorageError} nothing was changed
   */
  replace(chunks: Chunks): Promise<void>;

  /**
   * Drops every chunk, in one step.
   *
   * @throws {StorageError} nothing was changed
   */
  clear(): Promise<void>;

  /**
   * A number that changes with every commit, replace and clear, and never comes back to one it had; 0 when nothing was
   * ever written. It tells what is stored: it changes at the moment a change resolves.
   */
  generation(): number;

  /** Lets go of the store. What was committed stays. */
  close(): void;
}

/**
 * Chunk size in bytes. A power of two and a multiple of the 512-byte sector; below 64 KiB with all that structured
 * cloning adds, for Chromium stores larger values in files of their own, which takes three times as long.
 */
export const CHUNK_BYTES = 32 * 1024;
