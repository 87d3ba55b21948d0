/** What can go wrong with stored data, as sentences for the person in front of the page. */

/**
 * - `unavailable`: the browser offers no usable IndexedDB here (private mode, blocked site data), or a folder may not be
 *   written
 * - `full`: the origin's quota or the device is full
 * - `gone`: the stored overlay vanished while it was in use (evicted, or deleted by the person)
 * - `lost`: the browser took what it stored for damaged and deleted it, told once
 * - `newer`: the stored overlay was written by a newer format than this page knows
 * - `mismatch`: what is stored belongs to another firmware or disk size
 * - `damaged`: what is stored is not what this page ever writes
 * - `in-use`: another machine of this origin, or of this folder, holds the overlay
 * - `taken-over`: another tab asked for the overlay and has it now
 * - `failed`: any other failure of the store; `cause` has the browser's own words
 */
export type StorageProblem =
  | "unavailable"
  | "full"
  | "gone"
  | "lost"
  | "newer"
  | "mismatch"
  | "damaged"
  | "in-use"
  | "taken-over"
  | "failed";

const SENTENCES: Record<StorageProblem, string> = {
  unavailable:
    "The router's changes cannot be saved: this browser does not let the page store data (private window, or site data is blocked), or the folder for them cannot be written. Allow it, or run without saving.",
  full: "There is no room left to save the router's changes. Free space on this device or in this site's data and try again, or go on without saving.",
  gone: "The router's saved data was deleted by the browser, by another page or by a program while it was in use. Go on without saving to copy what you need, or reset the router.",
  lost: "This browser found its storage of this site damaged and deleted all of it, with everything its routers had saved. Try again to start as new; a copy that you saved before can be restored then.",
  newer:
    "The router's saved data was written by a newer version of this page. Reload the page to get that version; nothing stored was changed.",
  mismatch:
    "The saved data found under this name belongs to another firmware. It was left untouched; choose another overlay name.",
  damaged:
    "The saved data found under this name is damaged and cannot be used. It was left untouched; reset the router to drop it, or choose another overlay name.",
  "in-use":
    "This router is already running in another tab, frame or program. Stop it there, take it over (a tab saves everything first), or run a copy here without saving.",
  "taken-over":
    "This router was taken over by another tab. Everything it changed here was saved first.",
  failed: "The router's data could not be read or saved. Try again, or reload the page.",
};

/** A failure of the browser's storage, or of the folder that stands for it. `message` can be shown as it is; nothing already stored was changed. */
export class StorageError extends Error {
  override readonly name = "StorageError";

  constructor(
    readonly problem: StorageProblem,
    options?: { cause?: unknown },
  ) {
    super(SENTENCES[problem], options);
  }
}

/** Turns whatever IndexedDB threw into a {@link StorageError}; one that is already one passes through. */
export function toStorageError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : "";
  switch (name) {
    case "QuotaExceededError":
      return new StorageError("full", { cause });
    case "VersionError":
      return new StorageError("newer", { cause });
    case "SecurityError":
      return new StorageError("unavailable", { cause });
    default:
      return new StorageError("failed", { cause });
  }
}
