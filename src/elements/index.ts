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
export type { ExecOptions, ExecResult } from "../machine/shell.js";
export { NetworkError, type NetworkProblem } from "../network/errors.js";
