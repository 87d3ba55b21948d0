/**
 * The chunks of one overlay in one file (chunk-log.ts): every change is appended and durable before it resolves, so that
 * a program that is killed, or a computer that loses its power, leaves a number of whole commits.
 *
 * Opening changes nothing, so that others may look while somebody writes: the half of a commit that such an end left
 * is not seen, and gone with the next change. Who changes something holds the overlay's lease (lease.ts).
 */
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import type { Chunks, ChunkStore } from "../../disk/chunk-store.js";
import { StorageError } from "../../disk/errors.js";
import { nextGeneration } from "../../disk/generation.js";
import type { OverlayShape } from "../../overlay/identity.js";
import {
  BLOCK_BYTES,
  damaged,
  decodeHead,
  decodeHeader,
  drawSalt,
  encodeHead,
  encodeHeader,
  headBytes,
  headBytesOf,
  type LogEntry,
  type LogHeader,
  type LogRecord,
  recordBytes,
} from "./chunk-log.js";
import { type Files, NODE_FILES, type OpenFile, toStorageError } from "./files.js";

type Chunk = Uint8Array<ArrayBuffer>;

/**
 * How many bytes of a file may be chunks that were written again since, before it is written anew: as many as all others
 * have, and so many at least.
 */
const SPARE_BYTES = 8 * 1024 * 1024;
/** How much is searched at once, in bytes. */
const PIECE_BYTES = 1024 * 1024;

export interface FileStoreOptions {
  readonly files?: Files;
  readonly spareBytes?: number;
}

/** Where a chunk's newest content is. */
interface Place {
  /** byte in the file */
  readonly position: number;
  readonly crc: number;
}

/** A file that is open, and what of it counts. */
interface Log {
  readonly file: OpenFile;
  readonly header: LogHeader;
  readonly places: Map<number, Place>;
  /** byte behind the last commit */
  end: number;
  /** whether there may be something behind that */
  spoilt: boolean;
}

/** A record in a file. */
interface Found extends LogRecord {
  /** byte of its head */
  readonly start: number;
  /** byte behind its last chunk */
  readonly end: number;
}

/**
 * Opens an overlay's chunks; one that was never written has none, and no file.
 *
 * @param path the file; its folder is made with the first change
 * @param shape the chunks have a multiple of 4,096 bytes
 * @throws {StorageError} `unavailable`, `newer`, `mismatch` or `damaged`; nothing stored is changed
 */
export async function openFileChunkStore(
  path: string,
  shape: OverlayShape,
  { files = NODE_FILES, spareBytes = SPARE_BYTES }: FileStoreOptions = {},
): Promise<ChunkStore> {
  if (shape.chunkBytes % BLOCK_BYTES !== 0)
    throw new RangeError(`Chunks of ${shape.chunkBytes} bytes are no whole blocks.`);
  const place = { path, shape, files, spareBytes };
  try {
    const file = await files.open(path);
    if (!file) return new FileChunkStore(place, undefined, 0);
    try {
      const { log, generation } = await readLog(file, shape);
      return new FileChunkStore(place, log, generation);
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    throw toStorageError(error);
  }
}

interface StorePlace extends Required<FileStoreOptions> {
  readonly path: string;
  readonly shape: OverlayShape;
}

class FileChunkStore implements ChunkStore {
  readonly durability = "strict";
  readonly #place: StorePlace;
  #log: Log | undefined;
  #generation: number;
  /** the last number that a change was given; one that failed leaves a gap */
  #given: number;
  /** whether the file may still lie under its old name after a loss of power */
  #isRenamed = false;
  /** from how many bytes on it is tried again to write the file anew, after that failed */
  #compactFrom = 0;
  /** everything that touches the file, one after the other */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(place: StorePlace, log: Log | undefined, generation: number) {
    this.#place = place;
    this.#log = log;
    this.#generation = this.#given = generation;
  }

  indexes(): Promise<number[]> {
    return this.#inTurn(() => [...(this.#log?.places.keys() ?? [])]);
  }

  read(index: number): Promise<Chunk> {
    return this.#inTurn(() => {
      const place = this.#log?.places.get(index);
      if (!this.#log || !place) throw new RangeError(`Chunk ${index} is not stored.`);
      return readChunk(this.#log, index, place);
    });
  }

  snapshot(): Promise<Map<number, Chunk>> {
    return this.#inTurn(async () => {
      const chunks = new Map<number, Chunk>();
      if (!this.#log) return chunks;
      for await (const [index, chunk] of readChunks(this.#log)) chunks.set(index, chunk);
      return chunks;
    });
  }

  commit(chunks: Chunks, dropped: readonly number[] = []): Promise<void> {
    return this.#change(chunks, dropped, async (record) => {
      if (!this.#log) return this.#writeAnew(record, chunks);
      await this.#append(this.#log, record, chunks);
      // Before this resolves, for whoever waits for the last change gives the lease back then.
      await this.#compact().catch(() => undefined);
    });
  }

  replace(chunks: Chunks): Promise<void> {
    return this.#change(chunks, [], (record) => this.#writeAnew(record, chunks));
  }

  clear(): Promise<void> {
    return this.replace(new Map());
  }

  generation(): number {
    return this.#generation;
  }

  close(): void {
    if (this.#closed) return;
    void this.#inTurn(() => this.#log?.file.close()).catch(() => undefined);
    this.#closed = true;
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#closed)
      return Promise.reject(new StorageError("failed", { cause: "The overlay was closed." }));
    const turn = this.#turn.then(work).catch((error: unknown) => {
      throw error instanceof RangeError ? error : toStorageError(error);
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #change(
    chunks: Chunks,
    dropped: readonly number[],
    write: (record: LogRecord) => Promise<void>,
  ): Promise<void> {
    return this.#inTurn(async () => {
      const entries = Array.from(chunks, ([index, chunk]): LogEntry => {
        if (chunk.length !== this.#place.shape.chunkBytes)
          throw new StorageError("failed", { cause: `chunk ${index} is no whole chunk` });
        return { index, crc: crc32(chunk) };
      });
      this.#given = nextGeneration(this.#given);
      await write({ generation: this.#given, chunks: entries, dropped });
      if (!(await this.#log?.file.isLinked())) throw new StorageError("gone");
    });
  }

  async #append(log: Log, record: LogRecord, chunks: Chunks): Promise<void> {
    const { file, header, end } = log;
    await this.#syncName();
    if (log.spoilt) await file.truncate(end);
    log.spoilt = true;
    try {
      await file.write(end, concat([encodeHead(record, header.salt), ...chunks.values()]));
      await file.sync();
    } catch (error) {
      // What was refused must not come to light later.
      await file.truncate(end).catch(() => undefined);
      throw error;
    }
    log.spoilt = false;
    add(log, foundAt(end, record, header));
    this.#generation = record.generation;
  }

  /** Puts a new file in the place of the one there is, if any, in one step. */
  async #writeAnew(
    record: LogRecord,
    chunks: Chunks | AsyncIterable<readonly [number, Chunk]>,
  ): Promise<void> {
    const { path, shape, files } = this.#place;
    const header: LogHeader = { ...shape, created: Date.now(), salt: drawSalt() };
    const draft = `${path}.new`;
    await files.makeFolder(dirname(path));
    await files.remove(draft);
    const file = await files.create(draft);
    try {
      await file.write(0, concat([encodeHeader(header), encodeHead(record, header.salt)]));
      let position = BLOCK_BYTES + headBytes(record.chunks.length + record.dropped.length);
      for await (const [, chunk] of chunks) {
        await file.write(position, chunk);
        position += chunk.length;
      }
      await file.sync();
      await files.rename(draft, path);
    } catch (error) {
      await file.close().catch(() => undefined);
      await files.remove(draft).catch(() => undefined);
      throw error;
    }
    await this.#log?.file.close().catch(() => undefined);
    this.#log = { file, header, places: new Map(), end: BLOCK_BYTES, spoilt: false };
    add(this.#log, foundAt(BLOCK_BYTES, record, header));
    this.#generation = record.generation;
    this.#isRenamed = true;
    await this.#syncName();
  }

  /** Nothing is durable in a file whose name is not. */
  async #syncName(): Promise<void> {
    if (!this.#isRenamed) return;
    await this.#place.files.syncFolder(dirname(this.#place.path));
    this.#isRenamed = false;
  }

  /** Writes the file anew when much of it is of no use any more. One that cannot be stays as it is. */
  async #compact(): Promise<void> {
    const log = this.#log;
    if (!log) return;
    const { places, header, end } = log;
    const needed = BLOCK_BYTES + recordBytes(places.size, header.chunkBytes);
    if (end - needed <= Math.max(needed, this.#place.spareBytes) || end < this.#compactFrom) return;
    this.#compactFrom = 2 * end;
    const chunks = Array.from(places, ([index, { crc }]) => ({ index, crc }));
    await this.#writeAnew({ generation: this.#generation, chunks, dropped: [] }, readChunks(log));
    this.#compactFrom = 0;
  }
}

/** Reads all heads, and the last commit, which is the only one that may be there by half. */
async function readLog(
  file: OpenFile,
  shape: OverlayShape,
): Promise<{ log: Log; generation: number }> {
  const size = await file.size();
  const header = decodeHeader(await file.read(0, BLOCK_BYTES), shape);
  const log: Log = { file, header, places: new Map(), end: BLOCK_BYTES, spoilt: false };
  let generation = 0;
  let last = await readHead(log, BLOCK_BYTES);
  while (last) {
    const next = await readHead(log, last.end);
    const isLast = !next || next.generation <= last.generation;
    if (isLast && !(await isWhole(log, last))) break;
    add(log, last);
    ({ generation } = last);
    last = isLast ? undefined : next;
  }
  // The first one was durable before the file had its name.
  if (generation === 0) throw damaged("it has no whole commit");
  await expectNoCommit(log, size, generation);
  log.spoilt = size > log.end;
  return { log, generation };
}

/** @throws {StorageError} there is a commit behind the end, so that what stands before it was whole once */
async function expectNoCommit(log: Log, size: number, generation: number): Promise<void> {
  // What begins at the end itself is the half of a commit.
  for (let start = log.end + BLOCK_BYTES; start < size; start += PIECE_BYTES) {
    const piece = await log.file.read(start, PIECE_BYTES);
    for (let at = 0; at < piece.length; at += BLOCK_BYTES) {
      if (headBytesOf(piece.slice(at, at + BLOCK_BYTES), log.header) === undefined) continue;
      const found = await readHead(log, start + at);
      if (found && found.generation > generation) throw damaged("a commit in the middle is none");
    }
  }
}

async function readHead({ file, header }: Log, start: number): Promise<Found | undefined> {
  const block = await file.read(start, BLOCK_BYTES);
  const bytes = headBytesOf(block, header);
  if (bytes === undefined) return undefined;
  const head = bytes === BLOCK_BYTES ? block : await file.read(start, bytes);
  const record = head.length === bytes ? decodeHead(head, header) : undefined;
  return record && foundAt(start, record, header);
}

async function isWhole({ file, header }: Log, found: Found): Promise<boolean> {
  const places = new Map<number, Place>();
  const log: Log = { file, header, places, end: found.end, spoilt: false };
  add(log, found);
  try {
    const chunks = readChunks(log);
    while (!(await chunks.next()).done);
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

async function* readChunks(log: Log): AsyncGenerator<readonly [number, Chunk]> {
  for (const [index, place] of log.places) yield [index, await readChunk(log, index, place)];
}

/** @throws {StorageError} `damaged` */
async function readChunk({ file, header }: Log, index: number, place: Place): Promise<Chunk> {
  const chunk = await file.read(place.position, header.chunkBytes);
  if (chunk.length !== header.chunkBytes || crc32(chunk) !== place.crc)
    throw damaged(`the checksum of chunk ${index} is wrong`);
  return chunk;
}

function foundAt(start: number, record: LogRecord, { chunkBytes }: LogHeader): Found {
  const { chunks, dropped } = record;
  return { ...record, start, end: start + recordBytes(chunks.length, chunkBytes, dropped.length) };
}

/** From here on this commit counts. */
function add(log: Log, { chunks, dropped, start, end }: Found): void {
  let position = start + headBytes(chunks.length + dropped.length);
  for (const { index, crc } of chunks) {
    log.places.set(index, { position, crc });
    position += log.header.chunkBytes;
  }
  for (const index of dropped) log.places.delete(index);
  log.end = end;
}

function concat(parts: readonly Chunk[]): Chunk {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
