/** What a machine is made of, and how it can be switched on. */
import { isName } from "../firmware/manifest.js";
import { MachineError } from "./errors.js";

export interface MachineOptions {
  /** name of a firmware that the site offers, for example "demo" */
  readonly firmware: string;
  /** name of the overlay in this origin's storage; `null` saves nothing. Default "default" */
  readonly overlay?: string | null;
  /** URL of the directory with the built files, ending in "/" */
  readonly assets: URL | string;
}

/** @throws {MachineError} a name with characters that names may not have */
export function checkOptions({ firmware, overlay = "default", assets }: MachineOptions) {
  if (!isName(firmware)) throw new MachineError(`"${firmware}" is not a name of a firmware.`);
  if (overlay !== null && !isName(overlay))
    throw new MachineError(
      `"${overlay}" cannot name an overlay: use up to 64 lower-case letters, digits, ".", "_" and "-".`,
    );
  return { firmware, overlay, assets: new URL(assets) };
}

/** How to switch it on. */
export interface PowerOn {
  /** drop the stored overlay first */
  readonly reset?: boolean;
  /** ask the tab that has the router to give it away */
  readonly takeOver?: boolean;
  /** store changes; default true */
  readonly saving?: boolean;
  /** boot, whatever states there are */
  readonly cold?: boolean;
}
