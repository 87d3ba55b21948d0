export { StorageError, type StorageProblem } from "../disk/errors.js";

/** Something the person asked of a machine could not be done. `message` can be shown as it is. */
export class MachineError extends Error {
  override readonly name = "MachineError";

  /** @param details lines of the router's console or other text that helps to find the cause */
  constructor(
    message: string,
    readonly details: readonly string[] = [],
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
