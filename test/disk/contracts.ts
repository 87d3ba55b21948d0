/** What the contracts of this folder are written with, whether they run in a browser or in Node. */
import type { expect } from "@esm-bundle/chai";
import type { ChunkStore } from "../../src/disk/chunk-store.js";

export interface Suite {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => void | Promise<void>) => unknown;
  readonly expect: typeof expect;
}

/** A new store, and how to open it again when it outlives its object. */
export interface OpenedStore {
  readonly store: ChunkStore;
  readonly reopen?: () => Promise<ChunkStore>;
  /** Makes its next change fail in the middle. @returns takes the trap away again */
  readonly failNextWrite?: () => () => unknown;
}
