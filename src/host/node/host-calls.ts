/** What a machine's worker asks of the thread that made it, beside what every worker and page say to each other. */
import type { MessagePort } from "node:worker_threads";
import type { OverlayIdentity } from "../../overlay/identity.js";
import type { Bios } from "../../machine/assets.js";
import type { FolderHolder } from "./lease.js";
import type { FirmwareFiles } from "./machine-files.js";

export interface HostCalls {
  /** @throws {FirmwareError} */
  firmware(name: string): FirmwareFiles;
  bios(): Bios;
  /** Compiled once a program. @param ask path below the folder with the built files */
  wasm(ask: string): WebAssembly.Module;
  /**
   * Takes an overlay. It is let go by `release`, or when the worker has ended, however that came about.
   *
   * @returns who has it and which file says so, when it cannot be had
   */
  lease(ask: {
    readonly identity: OverlayIdentity;
    /** in milliseconds */
    readonly wait: number;
  }): FolderHolder | undefined;
  release(): void;
}

/** What a worker is given when it is made. */
export interface WorkerData {
  /** where these calls are answered */
  readonly host: MessagePort;
  /** folder of the overlays; `undefined` when nothing can be stored */
  readonly overlays: string | undefined;
}
