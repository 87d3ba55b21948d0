/**
 * Kept memory in IndexedDB, a database of its own beside the overlay's. Described in docs/storage-format.md.
 *
 * Most pages lie together in a few large records, the base, which the browser keeps as files: 15 MB of them are read in
 * 50 ms, and as records of a page each in 170. A page that changed since is a record of its own beside it, under its
 * number, which a later save writes over. A router changes the same few hundred pages again and again, so what is beside
 * the base stays small; when it does not, the base is written anew. A log of changes would have to be read twice as far,
 * and be compacted as often as it has grown by as much as the base.
 *
 * Every save is one transaction, so pages and header always belong together. It is not asked to be durable: a memory that
 * is older than the disk is known by its generation.
 */
import { promisifyRequest } from "idb-keyval";
import { abort, type Connection, connect } from "../disk/indexeddb.js";
import type { PcIdentity } from "../firmware/manifest.js";
import { type Page, pagesFor } from "./memory-image.js";
import type { KeptMemory, MemoryHeader, MemorySave, MemoryStore } from "./memory-store.js";
import { PAGE_BYTES } from "./shared-pages.js";

/** Version of the database and of what is in it. Of version 1, one record of 17 MB, nothing is taken over. */
const FORMAT = 2;
const OBJECT_STORE = "state";
const HEADER = "header";
const CONSOLE = "console";
export interface MemoryLimits {
  /** pages in a record of the base */
  readonly piece: number;
  /** how many pages may lie beside the base before it is written anew */
  readonly beside: number;
}

/**
 * Copying 4 MiB for the browser holds this thread up for 15 ms, 16 at once for 70. A page beside the base takes 40 µs to
 * read, ten times what it takes in the base: with 1,024 a router comes back 40 ms later.
 */
const LIMITS: MemoryLimits = { piece: 1024, beside: 1024 };
/** v86 0.5.462 with our devices: 2.2 MB. */
const MAX_DEVICE_BYTES = 16 * 1024 * 1024;

/** Stands for a page of zeros over one of the base. */
const ZEROS: Page = new Uint8Array(0);

/** As stored. */
interface Header extends MemoryHeader {
  readonly format: typeof FORMAT;
  /** records of the base, under the keys -1, -2 … */
  readonly pieces: number;
  /** records beside the base */
  readonly beside: number;
  /** bytes of all pages stored, in the base or beside it */
  readonly bytes: number;
}

/** A record of the base: pages in ascending order of their numbers, one behind the other. */
interface Piece {
  readonly numbers: Uint32Array<ArrayBuffer>;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Which pages are stored where. */
interface Layout {
  readonly base: ReadonlySet<number>;
  /** records of the base */
  readonly pieces: number;
  readonly beside: ReadonlySet<number>;
}

/** Name of the database. @param overlay the overlay's key (overlayKey in src/overlay/identity.ts), here and below */
export function memoryDatabase(overlay: string): string {
  return `${overlay}/memory`;
}

/**
 * @returns what is known of an overlay's kept memory, and its size in bytes; `undefined` when there is none, or none
 *   that this version can read. Makes no database.
 */
export async function readMemoryHeader(
  overlay: string,
): Promise<(MemoryHeader & { readonly bytes: number }) | undefined> {
  const connection = await openExisting(overlay);
  try {
    const header = await connection?.useRelaxed("readonly", (store) =>
      promisifyRequest<unknown>(store.get(HEADER)),
    );
    return isHeader(header) ? header : undefined;
  } catch {
    return undefined;
  } finally {
    connection?.close();
  }
}

/** Opens nothing and makes no database before it is used. */
export function indexedDbMemory(overlay: string, limits = LIMITS): MemoryStore {
  let connection: Connection | undefined;
  /** what this object stored or found; `undefined`: nothing it could build on */
  let layout: Layout | undefined;

  async function existing(): Promise<Connection | undefined> {
    return (connection ??= await openExisting(overlay));
  }

  /** Whatever went wrong: the next save begins anew. */
  function forget(): void {
    layout = undefined;
    connection?.close();
    connection = undefined;
  }

  return {
    get bytes() {
      return layout ? (layout.base.size + layout.beside.size) * PAGE_BYTES : 0;
    },

    async load() {
      try {
        const found = await (await existing())?.useRelaxed("readonly", readAll);
        layout = found?.layout;
        return found?.kept;
      } catch {
        forget();
        return undefined;
      }
    },

    async save(save) {
      try {
        connection ??= await connect(memoryDatabase(overlay), schema());
        const next = layout && layoutAfter(layout, save.changes.keys(), save.pages);
        const { useRelaxed } = connection;
        const written = await (layout && next && next.beside.size <= limits.beside
          ? useRelaxed("readwrite", (store) => writeChanges(store, save, next))
          : useRelaxed("readwrite", (store) => writeAll(store, save, limits.piece)));
        layout = written.layout;
        return written.bytes;
      } catch (error) {
        forget();
        throw error;
      }
    },

    async drop() {
      layout = undefined;
      try {
        return await ((
          await existing()
        )?.useRelaxed("readwrite", async (store) => {
          const keys = await promisifyRequest(store.count());
          store.clear();
          await promisifyRequest(store.transaction);
          return keys > 0;
        }) ?? false);
      } catch {
        forget();
        return false;
      }
    },

    close() {
      forget();
    },
  };
}

function schema(options: { mustExist?: boolean } = {}) {
  return {
    storeName: OBJECT_STORE,
    version: FORMAT,
    upgrade: async (store: IDBObjectStore) => {
      await promisifyRequest(store.clear());
    },
    ...options,
  };
}

async function openExisting(overlay: string): Promise<Connection | undefined> {
  return connect(memoryDatabase(overlay), schema({ mustExist: true })).catch(() => undefined);
}

interface Written {
  readonly layout: Layout;
  /** of pages and console, in this transaction */
  readonly bytes: number;
}

/** Puts what changed beside the base. */
async function writeChanges(
  store: IDBObjectStore,
  { changes, ...save }: MemorySave,
  layout: Layout,
): Promise<Written> {
  let bytes = save.console.length;
  await all(store, () => {
    for (const [number, page] of changes) {
      bytes += page?.length ?? 0;
      if (page) store.put(page, number);
      else if (layout.base.has(number)) store.put(ZEROS, number);
      else store.delete(number);
    }
    putHeader(store, save, layout);
  });
  return { layout, bytes };
}

/** Writes everything into a new base. */
async function writeAll(
  store: IDBObjectStore,
  save: KeptMemory,
  piecePages: number,
): Promise<Written> {
  const numbers = [...save.pages.keys()].sort((one, other) => one - other);
  const pieces = Math.ceil(numbers.length / piecePages);
  const layout: Layout = { base: new Set(numbers), pieces, beside: new Set() };
  await all(store, async () => {
    store.clear();
    for (let piece = 0; piece < pieces; piece++) {
      const part = numbers.slice(piece * piecePages, (piece + 1) * piecePages);
      // One after the other, so that the router gets a turn between them.
      await promisifyRequest(store.put(pieceOf(part, save.pages), -1 - piece));
    }
    putHeader(store, save, layout);
  });
  return { layout, bytes: numbers.length * PAGE_BYTES + save.console.length };
}

/** Runs `work` as the whole of a transaction. */
async function all(store: IDBObjectStore, work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // What was put before the request that failed must not be stored either.
    abort(store.transaction);
    throw error;
  }
  await promisifyRequest(store.transaction);
}

function putHeader(
  store: IDBObjectStore,
  { pc, generation, deviceBytes, console }: Omit<KeptMemory, "pages">,
  { base, pieces, beside }: Layout,
): void {
  const bytes = (base.size + beside.size) * PAGE_BYTES;
  const header: Header = {
    ...{ format: FORMAT, pc, generation, deviceBytes },
    ...{ pieces, beside: beside.size, bytes },
  };
  store.put(header, HEADER);
  store.put(console, CONSOLE);
}

function pieceOf(part: readonly number[], pages: ReadonlyMap<number, Page>): Piece {
  const content = new Uint8Array(part.length * PAGE_BYTES);
  part.forEach((number, at) => {
    const page = pages.get(number);
    if (page) content.set(page, at * PAGE_BYTES);
  });
  return { numbers: Uint32Array.from(part), content };
}

/** Where everything lies when these pages were put beside the base. */
function layoutAfter(
  { base, pieces, beside }: Layout,
  changed: Iterable<number>,
  pages: ReadonlyMap<number, Page>,
): Layout {
  const after = new Set(beside);
  for (const number of changed) {
    if (pages.has(number) || base.has(number)) after.add(number);
    else after.delete(number);
  }
  return { base, pieces, beside: after };
}

/** Everything, as of one moment; `undefined` when there is nothing, or anything that no save ever leaves. */
async function readAll(
  store: IDBObjectStore,
): Promise<{ kept: KeptMemory; layout: Layout } | undefined> {
  const ofBase = IDBKeyRange.upperBound(0, true);
  const ofPages = IDBKeyRange.bound(0, Infinity);
  const [header, console, baseKeys, base, keys, values] = await Promise.all(
    [
      store.get(HEADER),
      store.get(CONSOLE),
      store.getAllKeys(ofBase),
      store.getAll(ofBase),
      store.getAllKeys(ofPages),
      store.getAll(ofPages),
    ].map((request) => promisifyRequest<unknown>(request as IDBRequest<unknown>)),
  );
  if (!isHeader(header) || !isConsole(console)) return undefined;
  const end = header.pc.memoryBytes / PAGE_BYTES + pagesFor(header.deviceBytes);
  const pages = new Map<number, Page>();
  const pieces = base as unknown[];
  // Keys are in ascending order: -2, -1.
  const complete = (baseKeys as unknown[]).every((key, at) => key === at - header.pieces);
  if (!complete || pieces.length !== header.pieces) return undefined;
  for (const piece of pieces) if (!addPiece(pages, piece, end)) return undefined;
  const inBase = new Set(pages.keys());
  const numbers = keys as unknown[];
  if (numbers.length !== header.beside) return undefined;
  for (const [at, page] of (values as unknown[]).entries()) {
    const number = numbers[at];
    if (!isNumber(number, end) || !isPage(page)) return undefined;
    if (page.length > 0) pages.set(number, page);
    else pages.delete(number);
  }
  const { pc, generation, deviceBytes } = header;
  return {
    kept: { pc, generation, deviceBytes, pages, console },
    layout: { base: inBase, pieces: pieces.length, beside: new Set(numbers as number[]) },
  };
}

/** @returns whether this is a record of the base, whose pages are not among these yet */
function addPiece(pages: Map<number, Page>, value: unknown, end: number): boolean {
  const { numbers, content } = (value ?? {}) as Partial<Record<keyof Piece, unknown>>;
  if (!(numbers instanceof Uint32Array) || !(content instanceof Uint8Array)) return false;
  if (content.length !== numbers.length * PAGE_BYTES) return false;
  for (const [at, number] of numbers.entries()) {
    if (!isNumber(number, end) || pages.has(number)) return false;
    pages.set(number, content.slice(at * PAGE_BYTES, (at + 1) * PAGE_BYTES));
  }
  return true;
}

function isNumber(value: unknown, end: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end;
}

function isPage(value: unknown): value is Page {
  return (
    value instanceof Uint8Array &&
    (value.length === PAGE_BYTES || value.length === 0) &&
    value.buffer.byteLength === value.length
  );
}

function isConsole(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array;
}

function isHeader(value: unknown): value is Header {
  const header = (value ?? {}) as Partial<Record<keyof Header, unknown>>;
  const pc = (header.pc ?? {}) as Partial<Record<keyof PcIdentity, unknown>>;
  const { memoryBytes } = pc;
  return (
    header.format === FORMAT &&
    typeof header.generation === "number" &&
    typeof header.bytes === "number" &&
    isNumber(header.pieces, Infinity) &&
    isNumber(header.beside, Infinity) &&
    isNumber(header.deviceBytes, MAX_DEVICE_BYTES) &&
    typeof pc.v86 === "string" &&
    typeof pc.devices === "number" &&
    isNumber(memoryBytes, Infinity) &&
    memoryBytes % PAGE_BYTES === 0
  );
}
