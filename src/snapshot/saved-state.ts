/**
 * The memory of a router that somebody left, one record an overlay: a state is never the only copy of anything. It is
 * of use only while the overlay is of the generation it was saved at; deleting it costs a boot. Overlays are named by
 * their key here (overlayKey in src/overlay/identity.ts).
 */
import { createStore, delMany, get, setMany, type UseStore } from "idb-keyval";
import { isSamePc, type PcIdentity } from "../firmware/manifest.js";

/** Version of the record; another one is no state. */
const FORMAT = 1;
const HEADER = "header";
const STATE = "state";
const STORE = "state";

export interface SavedState {
  /** what PC it was saved on */
  readonly pc: PcIdentity;
  /** generation of the overlay it belongs to */
  readonly generation: number;
  /** v86's state */
  readonly state: ArrayBuffer;
  /** what the first console showed last */
  readonly console: Uint8Array<ArrayBuffer>;
}

/** What of it is known without reading all of it. */
export interface SavedStateHeader extends Pick<SavedState, "pc" | "generation" | "console"> {
  readonly format: typeof FORMAT;
  /** size of the state in bytes */
  readonly bytes: number;
}

/**
 * Replaces the record of this overlay. Both parts in one transaction: a kill in the middle leaves the one before.
 *
 * @throws {DOMException} it cannot be stored, above all for lack of room; the one before is gone then
 */
export async function storeState(overlay: string, saved: SavedState): Promise<void> {
  const { pc, generation, console, state } = saved;
  const header: SavedStateHeader = {
    ...{ format: FORMAT, pc, generation, console, bytes: state.byteLength },
  };
  try {
    await setMany(
      [
        [HEADER, header],
        [STATE, state],
      ],
      storeOf(overlay),
    );
  } catch (error) {
    await dropState(overlay);
    throw error;
  }
}

/** @returns what is known of the saved state; `undefined` when there is none, or none that this version can read */
export async function savedStateHeader(overlay: string): Promise<SavedStateHeader | undefined> {
  const header = await get<unknown>(HEADER, storeOf(overlay)).catch(() => undefined);
  return isHeader(header) ? header : undefined;
}

/** Whether a saved state can be gone on from, on this PC and this content of the overlay. */
export function isFit(
  saved: Pick<SavedState, "pc" | "generation">,
  pc: PcIdentity,
  generation: number,
): boolean {
  return saved.generation === generation && isSamePc(saved.pc, pc);
}

/** @returns the whole record; `undefined` as above, or when its parts do not belong together */
export async function loadState(overlay: string): Promise<SavedState | undefined> {
  const header = await savedStateHeader(overlay);
  const state = header && (await get<unknown>(STATE, storeOf(overlay)).catch(() => undefined));
  if (!header || !(state instanceof ArrayBuffer) || state.byteLength !== header.bytes)
    return undefined;
  return { ...header, state };
}

/** Forgets it. Never fails: what cannot be deleted does not fit soon. */
export async function dropState(overlay: string): Promise<void> {
  await delMany([HEADER, STATE], storeOf(overlay)).catch(() => undefined);
}

/** Name of the database that holds it. */
export function memoryDatabase(overlay: string): string {
  return `${overlay}/memory`;
}

/** Every store keeps a connection of its own for good. */
const stores = new Map<string, UseStore>();

function storeOf(overlay: string): UseStore {
  const name = memoryDatabase(overlay);
  const store = stores.get(name) ?? createStore(name, STORE);
  stores.set(name, store);
  return store;
}

function isHeader(value: unknown): value is SavedStateHeader {
  const header = (value ?? {}) as Partial<Record<keyof SavedStateHeader, unknown>>;
  const pc = (header.pc ?? {}) as Partial<Record<keyof PcIdentity, unknown>>;
  return (
    header.format === FORMAT &&
    typeof header.generation === "number" &&
    typeof header.bytes === "number" &&
    header.console instanceof Uint8Array &&
    typeof pc.v86 === "string" &&
    typeof pc.devices === "number" &&
    typeof pc.memoryBytes === "number" &&
    typeof pc.kernel === "string"
  );
}
