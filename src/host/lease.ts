/** Takes an overlay in a worker, from another tab if that is wished. */
import { lockOverlay } from "../disk/lock.js";
import { type OverlayIdentity, overlayKey } from "../disk/overlay-store.js";
import type { Lease, LeaseOptions } from "../machine/host.js";
import { askToYield, findHolder } from "./tabs.js";

const YIELD_MS = 15_000;

export async function lease(
  identity: OverlayIdentity,
  { takeOver, wait, onHolder }: LeaseOptions,
): Promise<Lease> {
  const key = overlayKey(identity);
  if (takeOver) askToYield(key);
  try {
    const lock = await lockOverlay(key, takeOver ? YIELD_MS : wait);
    return { key, release: () => lock.release() };
  } catch (error) {
    onHolder(await findHolder(key));
    throw error;
  }
}
