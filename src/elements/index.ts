/** What a page gets from `playground/openwrt-playground.js`. */
export { OpenwrtPlayground } from "./openwrt-playground.js";
export { Machine, type MachineOptions, type StorageReport } from "../machine/machine.js";
export { MachineProgressEvent, type MachineState, type ProgressStage } from "../machine/events.js";
export { MachineError } from "../machine/errors.js";
export type { ExecOptions, ExecResult } from "../machine/shell.js";
export { NetworkError, type NetworkProblem } from "../network/errors.js";
