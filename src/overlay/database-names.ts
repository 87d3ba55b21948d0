/**
 * Which overlays there are. Browsers list their databases (Firefox since 126); for one that does not, the names are
 * kept in a small database of our own.
 */
import { promisifyRequest } from "idb-keyval";
import { toStorageError } from "../disk/errors.js";
import { type Connection, connect, readExisting } from "../disk/indexeddb.js";

const REGISTRY = "openwrt-playground";
const STORE = "names";

/**
 * Names of databases, among them those of all overlays.
 *
 * @throws {StorageError} `unavailable`; `lost` when the browser has just deleted all data of the origin
 */
export async function databaseNames(): Promise<string[]> {
  // First, whether a list is wanted or not: it would take the news of lost data from who opens a database later.
  const noted = await readExisting(REGISTRY, STORE, (store) =>
    promisifyRequest(store.getAllKeys()),
  );
  if (!canList()) return (noted ?? []).filter((name) => typeof name === "string");
  try {
    return (await indexedDB.databases()).map(({ name = "" }) => name);
  } catch (error) {
    throw toStorageError(error);
  }
}

/**
 * Which of these databases there may be: all that there are, and where the browser does not tell, all.
 *
 * @throws {StorageError} the browser does not answer
 */
export async function thoseThatExist(names: readonly string[]): Promise<string[]> {
  if (!canList() || names.length === 0) return [...names];
  try {
    const databases = await indexedDB.databases();
    return names.filter((wanted) => databases.some(({ name }) => name === wanted));
  } catch (error) {
    throw toStorageError(error);
  }
}

/** Remembers a database's name, where the browser does not. */
export async function noteName(name: string): Promise<void> {
  if (!canList()) await withRegistry((store) => store.put(true, name));
}

/** Forgets it again. */
export async function forgetName(name: string): Promise<void> {
  if (!canList()) await withRegistry((store) => store.delete(name));
}

function canList(): boolean {
  // The DOM's types know nothing of browsers without it.
  return typeof (indexedDB as Partial<IDBFactory>).databases === "function";
}

async function withRegistry(request: (store: IDBObjectStore) => void): Promise<void> {
  const registry: Connection = await connect(REGISTRY, {
    storeName: STORE,
    version: 1,
    upgrade: () => Promise.resolve(),
  });
  try {
    await registry.useRelaxed("readwrite", async (store) => {
      request(store);
      await promisifyRequest(store.transaction);
    });
  } finally {
    registry.close();
  }
}
