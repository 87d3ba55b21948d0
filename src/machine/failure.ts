import { StorageError } from "../disk/errors.js";
import { UnfitStateError } from "./errors.js";
import type { FromWorker } from "./messages.js";

/** The message that a boot cannot go on. */
export function failure(
  error: unknown,
  lastLines: string[] = [],
): FromWorker & { type: "failed" | "unfit" } {
  if (error instanceof UnfitStateError) return { type: "unfit", message: error.message };
  const problem = error instanceof StorageError ? error.problem : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { type: "failed", problem, message, lastLines };
}
