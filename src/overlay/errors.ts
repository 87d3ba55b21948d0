import { StorageError } from "../disk/errors.js";
import type { Holder } from "./tabs.js";

/** Another tab, frame or machine of this origin has the overlay. `message` can be shown as it is. */
export class OverlayBusyError extends StorageError {
  override readonly name = "OverlayBusyError";

  /**
   * @param problem `unsaved-elsewhere` when it was asked to let go and said that it cannot
   * @param holder who has it; `undefined` when nobody answered
   */
  constructor(
    problem: "in-use" | "unsaved-elsewhere",
    readonly holder: Holder | undefined,
  ) {
    super(problem);
  }
}
