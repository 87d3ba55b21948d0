import type { FirmwareIdentity } from "./identity.js";
import type { FirmwarePart, LoadOptions } from "./load.js";
import type { FirmwareManifest } from "./manifest.js";

/** A firmware, wherever its files are: on a site, in a folder, in the browser's own store. */
export interface FirmwareSource {
  readonly manifest: FirmwareManifest;
  readonly identity: FirmwareIdentity;
  /**
   * @returns one buffer for each part, whole and verified; not to be changed
   * @throws {FirmwareError} for every reason why a part cannot be used
   * @throws the signal's reason, when it is aborted
   */
  load<Part extends FirmwarePart>(
    parts: readonly Part[],
    options?: LoadOptions,
  ): Promise<Record<Part, ArrayBuffer>>;
}
