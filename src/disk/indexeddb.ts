/**
 * A connection to one IndexedDB database, as idb-keyval's store function.
 *
 * What it adds to idb-keyval's own: transactions can ask for `durability: "strict"`; a connection that the browser
 * closed is opened again; a database that was deleted meanwhile is reported, never made anew behind the
 * caller's back, for an empty database would silently replace the router's data.
 */
import type { UseStore } from "idb-keyval";
import { StorageError, toStorageError } from "./errors.js";

/**
 * How long an upgrade waits for connections of other pages. Chromium calls it blocked, too, by a connection that was
 * closed a moment ago.
 */
const BLOCKED_FOR_GOOD_MS = 3000;
/** How long {@link readExisting} waits for a database that another page upgrades or deletes. */
const BUSY_FOR_GOOD_MS = 10_000;

export interface Connection {
  readonly use: UseStore;
  /** the same without `durability: "strict"`, for what nobody would miss */
  readonly useRelaxed: UseStore;
  close(): void;
}

export interface Schema {
  /** the database's one object store */
  readonly storeName: string;
  /** version of the database; a higher one is refused */
  readonly version: number;
  /**
   * Brings an existing database of a lower version to this one, with requests to this object store only: they are one
   * transaction with the change of the version. When it rejects, the database stays as it was.
   */
  readonly upgrade: (store: IDBObjectStore, from: number) => Promise<void>;
  /** whether a database that does not exist is refused, and not made */
  readonly mustExist?: boolean;
}

/**
 * @param databaseName database to open; made when it does not exist yet
 * @throws {StorageError} `unavailable` when IndexedDB is refused, `newer` when the database has a higher version,
 *   `gone` when it must exist and does not, `lost` when the browser has just deleted all data of the origin, `in-use` when it must be upgraded and another page
 *   does not let go of it, `damaged` when it has no such object store, and what the upgrade rejects with
 */
export async function connect(databaseName: string, schema: Schema): Promise<Connection> {
  const { storeName } = schema;
  let database: Promise<IDBDatabase> | undefined;
  let existed = schema.mustExist ?? false;
  let closed = false;

  async function open(): Promise<IDBDatabase> {
    const db = await openDatabase(databaseName, schema, existed);
    const forget = () => (database = undefined);
    db.onclose = forget;
    // Another page deletes or upgrades the database: let go, else it waits for us for ever.
    db.onversionchange = () => {
      db.close();
      forget();
    };
    if (closed) db.close();
    existed = true;
    return db;
  }

  function current(): Promise<IDBDatabase> {
    if (closed) return Promise.reject(new StorageError("failed", { cause: "connection closed" }));
    database ??= open().catch((error: unknown) => {
      database = undefined;
      throw toStorageError(error);
    });
    return database;
  }

  async function transaction(
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
  ): Promise<IDBTransaction> {
    try {
      return (await current()).transaction(storeName, mode, { durability });
    } catch (error) {
      // InvalidStateError: the connection is closing and its close event has not arrived yet.
      if (!(error instanceof DOMException) || error.name !== "InvalidStateError") throw error;
      database = undefined;
      return (await current()).transaction(storeName, mode, { durability });
    }
  }

  function useWith(durability: IDBTransactionDurability): UseStore {
    return async (mode, callback) => {
      try {
        return await callback((await transaction(mode, durability)).objectStore(storeName));
      } catch (error) {
        throw toStorageError(error);
      }
    };
  }

  await current();
  return {
    use: useWith("strict"),
    useRelaxed: useWith("relaxed"),
    close() {
      closed = true;
      void database?.then(
        (db) => db.close(),
        () => undefined,
      );
      database = undefined;
    },
  };
}

/**
 * Reads from a database that exists, at whatever version it is; makes, upgrades and changes none.
 *
 * @param read requests to the object store only: they are one transaction
 * @returns what `read` resolves with; undefined when there is no such database
 * @throws {StorageError} `unavailable`, `lost`, `damaged` when it has no such object store, `in-use` when another page
 *   upgrades or deletes it and does not come to an end, and what `read` rejects with
 */
export async function readExisting<T>(
  databaseName: string,
  storeName: string,
  read: (store: IDBObjectStore, version: number) => Promise<T>,
): Promise<T | undefined> {
  const db = await openExisting(databaseName);
  if (!db) return undefined;
  try {
    if (!db.objectStoreNames.contains(storeName)) throw noStore(storeName);
    return await read(db.transaction(storeName).objectStore(storeName), db.version);
  } catch (error) {
    throw toStorageError(error);
  } finally {
    db.close();
  }
}

/**
 * Deletes a database, whatever is in it; one that does not exist is no failure.
 *
 * @throws {StorageError} `in-use` when another page does not let go of it: the browser then deletes it when that page
 *   does; or whatever the browser failed with
 */
export function deleteDatabase(databaseName: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(databaseName);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(toStorageError(request.error));
    request.onblocked = () =>
      setTimeout(() => reject(new StorageError("in-use")), BLOCKED_FOR_GOOD_MS);
  });
}

/** Aborts a transaction that may have ended already. */
export function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended.
  }
}

function openExisting(name: string): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name);
    } catch (cause) {
      reject(new StorageError("unavailable", { cause }));
      return;
    }
    let over = false;
    const tooLate = setTimeout(() => {
      over = true;
      reject(new StorageError("in-use"));
    }, BUSY_FOR_GOOD_MS);
    const end = (settle: () => void) => {
      clearTimeout(tooLate);
      settle();
    };
    request.onupgradeneeded = (event) => {
      // There is none: what the browser has begun to make is undone.
      if (request.transaction) abort(request.transaction);
      over = true;
      const loss = lossOf(event);
      end(() =>
        loss === undefined ? resolve(undefined) : reject(new StorageError("lost", { cause: loss })),
      );
    };
    request.onsuccess = () => {
      const db = request.result;
      db.onversionchange = () => db.close();
      if (over) db.close();
      else end(() => resolve(db));
    };
    request.onerror = (event) => {
      event.preventDefault();
      end(() => reject(openFailure(request.error)));
    };
  });
}

function openDatabase(name: string, schema: Schema, mustExist: boolean): Promise<IDBDatabase> {
  const { storeName, version } = schema;
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    let refused = false;
    const refuse = (error: unknown) => {
      refused = true;
      reject(toStorageError(error));
    };
    try {
      request = indexedDB.open(name, version);
    } catch (cause) {
      refuse(new StorageError("unavailable", { cause }));
      return;
    }
    request.onupgradeneeded = (event) => {
      const { transaction, result: db } = request;
      const { oldVersion } = event;
      if (!transaction) return;
      const giveUp = (error: unknown) => {
        refuse(error);
        abort(transaction);
      };
      const loss = lossOf(event);
      if (loss !== undefined) giveUp(new StorageError("lost", { cause: loss }));
      else if (oldVersion === 0 && mustExist) giveUp(new StorageError("gone"));
      else if (oldVersion === 0) db.createObjectStore(storeName);
      else if (!db.objectStoreNames.contains(storeName)) giveUp(noStore(storeName));
      else schema.upgrade(transaction.objectStore(storeName), oldVersion).catch(giveUp);
    };
    // The request goes on waiting then; what it opens in the end is closed again.
    request.onblocked = () =>
      setTimeout(() => refuse(new StorageError("in-use")), BLOCKED_FOR_GOOD_MS);
    request.onsuccess = () => {
      const db = request.result;
      if (!db.objectStoreNames.contains(storeName)) refuse(noStore(storeName));
      if (refused) db.close();
      else resolve(db);
    };
    request.onerror = () => refuse(openFailure(request.error));
  });
}

function openFailure(cause: DOMException | null): StorageError {
  // Firefox's private mode of old and Chromium with blocked site data answer so.
  const refused = cause?.name === "InvalidStateError" || cause?.name === "UnknownError";
  return refused ? new StorageError("unavailable", { cause }) : toStorageError(cause);
}

/** Chromium's own addition to the event (idb_version_change_event.idl). */
interface DataLoss {
  readonly dataLoss?: "none" | "total";
  readonly dataLossMessage?: string;
}

/**
 * What the browser says about the data that it has just deleted because it took it for damaged; `undefined` when it
 * deleted nothing. Only Chromium tells, and only who opens a database first.
 */
function lossOf(event: IDBVersionChangeEvent): string | undefined {
  const { dataLoss, dataLossMessage = "" } = event as IDBVersionChangeEvent & DataLoss;
  return dataLoss === "total" ? dataLossMessage : undefined;
}

function noStore(storeName: string): StorageError {
  return new StorageError("damaged", { cause: `no object store "${storeName}"` });
}
