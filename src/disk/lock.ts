import { StorageError, toStorageError } from "./errors.js";

/** Held while a machine may write an overlay. The browser frees it when the page goes away, however it goes. */
export interface OverlayLock {
  release(): void;
}

/**
 * Takes the one write lock of an overlay.
 *
 * @param key the overlay's key, see `overlayKey`
 * @throws {StorageError} `in-use` when another machine of this origin holds it; `unavailable` when the browser refuses
 *   locks, as it does where sites may not store data
 */
export async function lockOverlay(key: string): Promise<OverlayLock> {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const granted = await new Promise<boolean>((resolve, reject) => {
    navigator.locks
      .request(key, { ifAvailable: true }, async (lock) => {
        resolve(lock !== null);
        if (lock) await held;
      })
      .catch(reject);
  }).catch((error: unknown) => {
    throw toStorageError(error);
  });
  if (!granted) throw new StorageError("in-use");
  return { release };
}
