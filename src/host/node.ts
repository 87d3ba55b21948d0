/// <reference lib="dom" preserve="true" />
/**
 * A machine in a Node program: worker threads, and files and folders. What `openwrt-playground/node` exports.
 *
 * A program with a running machine lives until the machine is destroyed.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MachineError } from "../machine/errors.js";
import { Machine as AnyMachine } from "../machine/machine.js";
import type { MachineOptions } from "../machine/machine-options.js";
import { builtFiles, type MachineFiles } from "./node/machine-files.js";
import { NodeHost } from "./node/node-host.js";

export { StorageError, type StorageProblem } from "../disk/errors.js";
export { FirmwareError } from "../firmware/errors.js";
export { NetworkError } from "../network/errors.js";
export { MachineError } from "../machine/errors.js";

/** Set by the build: where the built files are, seen from its bundle. */
declare const BUILT_FILES: string | undefined;

const PLAYGROUND = typeof BUILT_FILES === "string" ? BUILT_FILES : "../../dist/playground/";

export interface NodeMachineOptions extends MachineOptions {
  /**
   * Name of the overlay in the folder `overlays`; `null` keeps all changes in memory, as long as the machine is not
   * destroyed. Default `null`.
   */
  readonly overlay?: string | null;
  /** Folder in which overlays are stored, made when it does not exist: a path, or a file: URL. */
  readonly overlays?: string | URL;
  /**
   * Folder with `kernels/`, `images/` and the emulator, as `npm run build` makes `dist/playground/`: a path, or a file:
   * URL. Default: the package's own.
   */
  readonly assets?: string | URL | MachineFiles;
}

/** The machine, in this program. */
export class Machine extends AnyMachine {
  readonly #host: NodeHost;

  constructor(options: MachineOptions, host: NodeHost) {
    super(options, host);
    this.#host = host;
  }

  /** Ends the machine for good, at once. What was saved stays. @returns when nothing of it lives any more */
  override async destroy(): Promise<void> {
    await super.destroy();
    await this.#host.idle();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy();
  }
}

/**
 * Makes a machine, which is off; `start()` switches it on.
 *
 * @throws {MachineError} a name with characters that names may not have, or an overlay and no folder for it
 * @throws {FirmwareError} there is no such firmware, or its description cannot be used
 */
export async function createMachine(options: NodeMachineOptions): Promise<Machine> {
  const { firmware, overlay = null, overlays, assets } = options;
  if (overlay !== null && overlays === undefined)
    throw new MachineError(
      `The overlay "${overlay}" has no folder to be stored in: say one in "overlays", or leave "overlay" out to save nothing.`,
    );
  const files =
    typeof assets === "object" && "firmware" in assets
      ? assets
      : builtFiles(pathOf(assets ?? new URL(PLAYGROUND, import.meta.url)));
  const host = new NodeHost(files, overlays === undefined ? undefined : pathOf(overlays));
  const machine = new Machine({ firmware, overlay }, host);
  // A name that is wrong is to be known here, not at the start.
  await host.firmware(firmware);
  return machine;
}

function pathOf(folder: string | URL): string {
  return resolve(
    folder instanceof URL || folder.startsWith("file:") ? fileURLToPath(folder) : folder,
  );
}
