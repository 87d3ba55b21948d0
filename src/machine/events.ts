import type { BootStage } from "./boot-watch.js";
import type { StorageReport } from "./storage-report.js";

/**
 * - `off`: no power
 * - `loading`: fetching the emulator and the firmware, or opening the overlay
 * - `booting`: the CPU runs, no shell answers yet
 * - `running`: a shell answers
 * - `failed`: see {@link Machine.error}; `start()` and `reset()` try again
 */
export type MachineState = "off" | "loading" | "booting" | "running" | "failed";

/** How far a start is: `fetch` counts bytes of kernel and root filesystem, the others have no measure. */
export type ProgressStage = "fetch" | BootStage;

/** Event "progress" of a machine. */
export class MachineProgressEvent extends Event {
  /**
   * @param stage what is being done
   * @param loaded bytes fetched, in stage `fetch`; else 0
   * @param total bytes to fetch, in stage `fetch`; else 0
   */
  constructor(
    readonly stage: ProgressStage,
    readonly loaded = 0,
    readonly total = 0,
  ) {
    super("progress");
  }
}

/** Event "error" of a machine. Not the web's ErrorEvent, which Node does not have. */
export class MachineErrorEvent extends Event {
  /** can be shown as it is */
  readonly message: string;

  constructor(readonly error: Error) {
    super("error");
    this.message = error.message;
  }
}

/** Event "storagechange" of a machine. */
export class StorageChangeEvent extends Event {
  /** @param report what is stored; `undefined` when the machine went off, and only `storage()` can tell */
  constructor(readonly report: StorageReport | undefined) {
    super("storagechange");
  }
}
