import { StorageError, toStorageError } from "./errors.js";

/** Held while a machine may write an overlay. The browser frees it when the page goes away, however it goes. */
export interface OverlayLock {
  release(): void;
}

/**
 * Takes the one write lock of an overlay.
 *
 * @param key the overlay's key, see `overlayKey`
 * @param waitMs how long to wait for another holder to let go, in milliseconds
 * @throws {StorageError} `in-use` when another machine of this origin holds it; `unavailable` when the browser refuses
 *   locks, as it does where sites may not store data
 */
export async function lockOverlay(key: string, waitMs: number): Promise<OverlayLock> {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await new Promise<void>((resolve, reject) => {
    navigator.locks
      .request(key, { signal: AbortSignal.timeout(waitMs) }, () => {
        resolve();
        return held;
      })
      .catch((error: unknown) => {
        const tooLate = error instanceof DOMException && error.name === "TimeoutError";
        reject(tooLate ? new StorageError("in-use") : toStorageError(error));
      });
  });
  return { release };
}
