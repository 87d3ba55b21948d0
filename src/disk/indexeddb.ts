/**
 * A connection to one IndexedDB database, as idb-keyval's store function.
 *
 * What it adds to idb-keyval's own: transactions ask for `durability: "strict"`; a connection that the browser
 * closed is opened again; a database that was deleted meanwhile is reported, never made anew behind the
 * caller's back, for an empty database would silently replace the router's data.
 */
import type { UseStore } from "idb-keyval";
import { StorageError, toStorageError } from "./errors.js";

const VERSION = 1;

export interface Connection {
  readonly use: UseStore;
  close(): void;
}

/**
 * @param databaseName database to open; made when it does not exist yet
 * @param storeName its one object store
 * @throws {StorageError} `unavailable` when IndexedDB is refused, `newer` when the database has a higher version
 */
export async function connect(databaseName: string, storeName: string): Promise<Connection> {
  let database: Promise<IDBDatabase> | undefined;
  let existed = false;
  let closed = false;

  async function open(): Promise<IDBDatabase> {
    const db = await openDatabase(databaseName, storeName, existed);
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

  async function transaction(mode: IDBTransactionMode): Promise<IDBTransaction> {
    try {
      return (await current()).transaction(storeName, mode, { durability: "strict" });
    } catch (error) {
      // InvalidStateError: the connection is closing and its close event has not arrived yet.
      if (!(error instanceof DOMException) || error.name !== "InvalidStateError") throw error;
      database = undefined;
      return (await current()).transaction(storeName, mode, { durability: "strict" });
    }
  }

  const use: UseStore = async (mode, callback) => {
    try {
      return await callback((await transaction(mode)).objectStore(storeName));
    } catch (error) {
      throw toStorageError(error);
    }
  };

  await current();
  return {
    use,
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

function openDatabase(name: string, storeName: string, mustExist: boolean): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    let gone = false;
    try {
      request = indexedDB.open(name, VERSION);
    } catch (cause) {
      reject(new StorageError("unavailable", { cause }));
      return;
    }
    request.onupgradeneeded = () => {
      gone = mustExist;
      if (gone) request.transaction?.abort();
      else request.result.createObjectStore(storeName);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      const cause = request.error;
      if (gone) reject(new StorageError("gone", { cause }));
      else if (cause?.name === "InvalidStateError" || cause?.name === "UnknownError")
        // Firefox's private mode of old and Chromium with blocked site data answer so.
        reject(new StorageError("unavailable", { cause }));
      else reject(toStorageError(cause));
    };
  });
}
