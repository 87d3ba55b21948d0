/** What a machine is made of. */
import { isName } from "../firmware/manifest.js";
import { MachineError } from "./errors.js";

export interface MachineOptions {
  /** name of a firmware that the host offers, for example "demo" */
  readonly firmware: string;
  /** name of the overlay in the host's storage; `null` saves nothing. Default "default" */
  readonly overlay?: string | null;
  /**
   * What is run once in a router that was restored and is idle, so that the first command or page is not slow: commands,
   * or commands and the first page of its web interface. Leaves no trace. Default "shell"
   */
  readonly warmUp?: "off" | "shell" | "web";
}

/** @throws {MachineError} a name with characters that names may not have */
export function checkOptions({ firmware, overlay = "default", warmUp = "shell" }: MachineOptions) {
  if (!isName(firmware)) throw new MachineError(`"${firmware}" is not a name of a firmware.`);
  if (overlay !== null && !isName(overlay))
    throw new MachineError(
      `"${overlay}" cannot name an overlay: use up to 64 lower-case letters, digits, ".", "_" and "-".`,
    );
  return { firmware, overlay, warmUp };
}
