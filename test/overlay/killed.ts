/** A browser that is killed between two requests to its storage: the first ones are done, all others never happen. */

export interface Kill {
  /** whether it came to that */
  readonly happened: boolean;
  /** a new visit: everything works again */
  restore(): void;
}

/* eslint-disable @typescript-eslint/unbound-method */
const { put, delete: drop } = IDBObjectStore.prototype;
const { deleteDatabase } = IDBFactory.prototype;

/**
 * Kills at the next request that changes something, after `requests` of them; the transaction that it is in is never
 * committed. The padding that nothing is stored of (leveldb-log.ts) does not count.
 */
export function killAfter(requests: number): Kill {
  let left = requests;
  let happened = false;

  function alive(store?: IDBObjectStore): boolean {
    if (left-- > 0) return true;
    happened = true;
    try {
      store?.transaction.abort();
    } catch {
      // It has ended.
    }
    return false;
  }
  const killed = () => new DOMException("The browser was killed.", "AbortError");

  IDBObjectStore.prototype.put = function (
    this: IDBObjectStore,
    value: unknown,
    key?: IDBValidKey,
  ) {
    if (key !== "padding" && !alive(this)) throw killed();
    return put.call(this, value, key);
  };
  IDBObjectStore.prototype.delete = function (this: IDBObjectStore, key) {
    if (key !== "padding" && !alive(this)) throw killed();
    return drop.call(this, key);
  };
  IDBFactory.prototype.deleteDatabase = function (this: IDBFactory, name: string) {
    if (!alive()) throw killed();
    return deleteDatabase.call(this, name);
  };
  return {
    get happened() {
      return happened;
    },
    restore() {
      IDBObjectStore.prototype.put = put;
      IDBObjectStore.prototype.delete = drop;
      IDBFactory.prototype.deleteDatabase = deleteDatabase;
    },
  };
}
