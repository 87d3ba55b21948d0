/**
 * How a router comes to life: from the factory state when its disk is untouched, from its kept memory when that fits
 * what is stored, else by booting. A state only ever saves time; whatever speaks against it, there is the boot.
 */
import { CHUNK_BYTES, type Chunks, type ChunkStore } from "../disk/chunk-store.js";
import { readArchive } from "../disk/overlay-archive.js";
import type { OverlayIdentity } from "../disk/overlay-store.js";
import type { LoadOptions } from "../firmware/load.js";
import { isSamePc } from "../firmware/manifest.js";
import type { FirmwareSource } from "../firmware/source.js";
import { isFit, loadState } from "../snapshot/saved-state.js";
import { type MemoryPage, readSharedPages } from "../snapshot/shared-pages.js";
import type { Bios } from "./assets.js";
import { MEMORY_BYTES, PC } from "./pc-identity.js";

export interface BootParts extends Bios {
  /** Linux kernel, as a bzImage */
  readonly kernel: ArrayBuffer;
}

/** A state, and what belongs to it. */
export interface Restored {
  /** v86's state, as it is or compressed with zstd */
  readonly state: ArrayBuffer;
  /** pages of the memory that the state leaves out */
  readonly pages?: readonly MemoryPage[];
  /** what the first console showed last when it was saved */
  readonly console?: Uint8Array<ArrayBuffer>;
}

export interface StartPlan {
  /** squashfs at the start of the disk */
  readonly root: ArrayBuffer;
  /** what an untouched disk holds beyond it */
  readonly seed: Chunks | undefined;
  readonly from: { readonly restored: Restored } | { readonly parts: BootParts };
  /** whether it goes on from the memory of an earlier visit */
  readonly resumed: boolean;
}

export interface PlanOptions {
  readonly firmware: FirmwareSource;
  /** the squashfs, which every way needs, on its way already */
  readonly root: Promise<ArrayBuffer>;
  readonly identity: OverlayIdentity;
  /** what the disk will be made of */
  readonly store: ChunkStore;
  /** boot in any case */
  readonly cold: boolean;
  readonly bios: () => Promise<Bios>;
  /** whether the kept memory of this overlay may be gone on from, which only its one writer may */
  readonly resume: boolean;
}

/**
 * Decides, and loads what the decision needs.
 *
 * @throws {FirmwareError | StorageError} no way can be gone
 */
export async function planStart(plan: PlanOptions, loading: () => LoadOptions): Promise<StartPlan> {
  const { identity, store, cold, resume } = plan;
  const { firmware } = plan;
  const untouched = (await store.indexes()).length === 0;
  const { factory } = firmware.manifest;
  if (!cold && untouched && factory && isSamePc(factory.pc, PC)) {
    try {
      return await fromFactory(plan, loading());
    } catch {
      // A factory state that is missing or damaged on the site costs time only.
    }
  }
  const saved = !cold && resume && !untouched ? await loadState(identity) : undefined;
  if (saved && isFit(saved, PC, store.generation())) {
    return { root: await plan.root, seed: undefined, from: { restored: saved }, resumed: true };
  }
  const [root, parts] = await Promise.all([plan.root, bootParts(firmware, plan.bios, loading())]);
  return { root, seed: undefined, from: { parts }, resumed: false };
}

/** What a boot begins with. @throws {FirmwareError | MachineError} it cannot be had */
export async function bootParts(
  firmware: FirmwareSource,
  bios: () => Promise<Bios>,
  options: LoadOptions,
): Promise<BootParts> {
  const [{ kernel }, both] = await Promise.all([firmware.load(["kernel"], options), bios()]);
  return { kernel, ...both };
}

async function fromFactory(
  { firmware, identity, root: loadedRoot }: PlanOptions,
  options: LoadOptions,
): Promise<StartPlan> {
  const withPages = firmware.manifest.factory?.pages !== undefined;
  const [root, { state, chunks, pages }] = await Promise.all([
    loadedRoot,
    firmware.load(["state", "chunks", ...(withPages ? (["pages"] as const) : [])], options),
  ]);
  const [seed, content] = await Promise.all([
    readArchive(new Blob([chunks]), { ...identity, chunkBytes: CHUNK_BYTES }),
    withPages ? readSharedPages(pages, root, MEMORY_BYTES) : [],
  ]);
  return { root, seed, from: { restored: { state, pages: content } }, resumed: false };
}
