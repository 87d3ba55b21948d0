/**
 * Where the memory of a router that somebody left is kept, one an overlay: it is never the only copy of anything. It
 * is of use only while the overlay is of the generation it was saved at; deleting it costs a boot.
 */
import { isSamePc, type PcIdentity } from "../firmware/manifest.js";
import type { Page, PageChanges } from "./memory-image.js";

/** What is known of a kept memory without reading all of it. */
export interface MemoryHeader {
  /** what PC it was saved on */
  readonly pc: PcIdentity;
  /** generation of the overlay it belongs to */
  readonly generation: number;
  /** size of the devices' state in bytes */
  readonly deviceBytes: number;
}

/** What is kept, as of one save. */
export interface KeptMemory extends MemoryHeader {
  /** pages that are not all zeros, by number; see memory-image.ts */
  readonly pages: ReadonlyMap<number, Page>;
  /** what the first console showed last */
  readonly console: Uint8Array<ArrayBuffer>;
}

export interface MemorySave extends KeptMemory {
  /** how `pages` differs from what was saved or loaded last */
  readonly changes: PageChanges;
}

/** One owner writes it, who holds the overlay's lock, and who does one thing at a time. */
export interface MemoryStore {
  /** @returns `undefined` when there is none, or none that this version can read */
  load(): Promise<KeptMemory | undefined>;

  /**
   * Replaces what is kept, all of it or nothing.
   *
   * @returns bytes written
   * @throws {StorageError} it cannot be stored, above all for lack of room; what was kept before is kept still, and
   *   the next save writes everything
   */
  save(save: MemorySave): Promise<number>;

  /** Forgets it. Never fails: what cannot be deleted does not fit soon. @returns whether there was something */
  drop(): Promise<boolean>;

  /** What is kept takes so many bytes; 0 when nothing is known to be kept. */
  readonly bytes: number;

  close(): void;
}

/** Whether a kept memory can be gone on from, on this PC and this content of the overlay. */
export function isFit(
  kept: Pick<MemoryHeader, "pc" | "generation">,
  pc: PcIdentity,
  generation: number,
): boolean {
  return kept.generation === generation && isSamePc(kept.pc, pc);
}
