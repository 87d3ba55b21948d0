/**
 * How a router comes to life: from the factory state when its disk is untouched, from its kept memory when that fits
 * what is stored, else by booting. A state only ever saves time; whatever speaks against it, there is the boot.
 */
import { CHUNK_BYTES, type Chunks, type ChunkStore } from "../disk/chunk-store.js";
import { readArchive } from "../overlay/archive.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import type { LoadOptions } from "../firmware/load.js";
import { isSamePc, type PcIdentity } from "../firmware/manifest.js";
import type { FirmwareSource } from "../firmware/source.js";
import { partsOf } from "../snapshot/memory-image.js";
import { isFit, type KeptMemory, type MemoryStore } from "../snapshot/memory-store.js";
import { type MemoryPage, readSharedPages } from "../snapshot/shared-pages.js";
import type { Bios } from "./assets.js";
import { MEMORY_BYTES } from "./pc-identity.js";

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
  /** the memory of an earlier visit, if that is what it goes on from */
  readonly kept: KeptMemory | undefined;
}

export interface PlanOptions {
  readonly firmware: FirmwareSource;
  /** the squashfs, which every way needs, on its way already */
  readonly root: Promise<ArrayBuffer>;
  readonly identity: OverlayIdentity;
  /** what the machine will be, which a state has to fit */
  readonly pc: PcIdentity;
  /** what the disk will be made of */
  readonly store: ChunkStore;
  /** boot in any case */
  readonly cold: boolean;
  readonly bios: () => Promise<Bios>;
  /** where the memory of this overlay's router is kept, for its one writer */
  readonly memory: MemoryStore | undefined;
}

/**
 * Decides, and loads what the decision needs.
 *
 * @throws {FirmwareError | StorageError} no way can be gone
 */
export async function planStart(plan: PlanOptions, loading: () => LoadOptions): Promise<StartPlan> {
  const { store, cold, memory } = plan;
  const { firmware } = plan;
  const untouched = (await store.indexes()).length === 0;
  const { factory } = firmware.manifest;
  if (!cold && untouched && factory && isSamePc(factory.pc, plan.pc)) {
    try {
      return await fromFactory(plan, loading());
    } catch {
      // A factory state that is missing or damaged on the site costs time only.
    }
  }
  const kept = cold || untouched ? undefined : await memory?.load();
  if (kept && isFit(kept, plan.pc, store.generation())) {
    const { devices, memory: pages } = partsOf(kept.pages, MEMORY_BYTES, kept.deviceBytes);
    const restored = { state: devices, pages, console: kept.console.slice() };
    return { root: await plan.root, seed: undefined, from: { restored }, kept };
  }
  const [root, parts] = await Promise.all([plan.root, bootParts(firmware, plan.bios, loading())]);
  return { root, seed: undefined, from: { parts }, kept: undefined };
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
  return { root, seed, from: { restored: { state, pages: content } }, kept: undefined };
}
