/**
 * How a router comes to life: from the factory state when its disk is untouched, from its saved memory when that fits
 * what is stored, else by booting. A state only ever saves time; whatever speaks against it, there is the boot.
 */
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import { readArchive } from "../overlay/archive.js";
import { type OverlayIdentity, overlayKey } from "../overlay/identity.js";
import type { Firmware, LoadOptions } from "../firmware/load.js";
import { isSamePc } from "../firmware/manifest.js";
import { isFit, savedStateHeader } from "../snapshot/saved-state.js";
import { loadBios } from "./assets.js";
import type { BootParts, RestoreMessage } from "./messages.js";
import { pcWith } from "./pc-identity.js";
import { storedOverlay } from "./stored-chunks.js";

export interface PlanOptions {
  /** URL of the directory with the built files */
  readonly assets: URL;
  readonly firmware: Firmware;
  readonly identity: OverlayIdentity;
  /** whether there is an overlay in the browser that this machine starts from */
  readonly stored: boolean;
  /** whether it is dropped first */
  readonly reset: boolean;
  /** whether this machine may go on from the memory that was saved of the overlay, being the one that writes it */
  readonly resume: boolean;
  /** whether to boot in any case */
  readonly cold: boolean;
}

/** What a power-on needs of the firmware, and the state it goes on from. */
export interface PowerPlan {
  readonly boot: BootParts | undefined;
  readonly root: ArrayBuffer;
  readonly restore: RestoreMessage | undefined;
}

/**
 * Decides, and loads what the decision needs. The caller holds the overlay's lock.
 *
 * @throws {FirmwareError | StorageError} neither way can be gone
 */
export async function planPowerOn(plan: PlanOptions, options: LoadOptions): Promise<PowerPlan> {
  const { firmware, identity, cold } = plan;
  if (!cold) {
    const { chunks, generation } = await storedNow(plan);
    const { factory } = firmware.manifest;
    const pc = pcWith(firmware.identity.kernel);
    if (chunks === 0 && factory && isSamePc(factory.pc, pc)) {
      try {
        return await fromFactory(plan, options);
      } catch {
        options.signal?.throwIfAborted();
        // A factory state that is missing or damaged on the site costs time only.
      }
    }
    const saved =
      chunks > 0 && plan.resume ? await savedStateHeader(overlayKey(identity)) : undefined;
    if (saved && isFit(saved, pc, generation)) {
      const { root } = await firmware.load(["root"], options);
      return { boot: undefined, root, restore: { kind: "saved" } };
    }
  }
  const [{ kernel, root }, bios] = await Promise.all([
    firmware.load(["kernel", "root"], options),
    loadBios(plan.assets),
  ]);
  return { boot: { kernel, ...bios }, root, restore: undefined };
}

/** What is stored of the disk that the machine will start from. */
async function storedNow({ identity, stored, reset }: PlanOptions) {
  return !stored || reset ? { chunks: 0, generation: 0 } : await storedOverlay(identity);
}

async function fromFactory(
  { firmware, identity }: PlanOptions,
  options: LoadOptions,
): Promise<PowerPlan> {
  const withPages = firmware.manifest.factory?.pages !== undefined;
  const { root, state, chunks, pages } = await firmware.load(
    ["root", "state", "chunks", ...(withPages ? (["pages"] as const) : [])],
    options,
  );
  const seed = await readArchive(new Blob([chunks]), { ...identity, chunkBytes: CHUNK_BYTES });
  return { boot: undefined, root, restore: { kind: "factory", state, pages, seed } };
}
