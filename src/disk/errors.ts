import { STORAGE_SENTENCES, type StorageProblem } from "../common/storage-sentences.js";

export type { StorageProblem };

export function isStorageProblem(value: unknown): value is StorageProblem {
  return typeof value === "string" && Object.hasOwn(STORAGE_SENTENCES, value);
}

/** A failure of the browser's storage. `message` can be shown as it is; nothing already stored was changed. */
export class StorageError extends Error {
  override readonly name: string = "StorageError";

  constructor(
    readonly problem: StorageProblem,
    options?: { cause?: unknown },
  ) {
    super(STORAGE_SENTENCES[problem], options);
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
