import type { Durability } from "../disk/chunk-store.js";
import type { UpperLayer } from "./upper-layer.js";

/** What is stored of a router. */
export interface StoredNow {
  /** bytes of the stored chunks */
  readonly bytes: number;
  readonly chunks: number;
  /** size of the memory that is kept for the next visit, in bytes; 0 when there is none */
  readonly memoryBytes: number;
  readonly durability: Durability;
  /** where the router puts what it changes, as of its last sync: only what goes to its disk can be stored */
  readonly upper: UpperLayer;
  /** whether somebody did something lately that the router has not been asked to store yet, or is storing */
  readonly pending: boolean;
}

/** What is stored of a machine. */
export interface StorageReport extends StoredNow {
  /** whether the browser promised not to evict this origin's data */
  readonly persisted: boolean;
}
