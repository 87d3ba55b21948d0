/** What a page gets from `playground/openwrt-playground.js`. */
export { OpenRouterEvent, OpenwrtPlayground } from "./openwrt-playground.js";
export { Machine } from "../host/browser.js";
export type { BrowserMachineOptions as MachineOptions } from "../host/browser.js";
export type { StorageReport } from "../machine/storage-report.js";
export {
  MachineProgressEvent,
  type MachineState,
  type ProgressStage,
  StorageChangeEvent,
} from "../machine/events.js";
export { MachineError, StorageError, type StorageProblem } from "../machine/errors.js";
export { ArchiveError, type ArchiveProblem } from "../overlay/archive-error.js";
export { OverlayBusyError } from "../overlay/errors.js";
export type { ListOptions, OverlayInfo } from "../overlay/list.js";
export { type OpenOptions, Overlay } from "../overlay/overlay.js";
export type { Holder } from "../overlay/tabs.js";
export type { ExecOptions, ExecResult } from "../machine/exec.js";
export { NetworkError, type NetworkProblem } from "../network/errors.js";
