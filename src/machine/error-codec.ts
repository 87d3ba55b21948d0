/** Errors between a page and a machine's worker: what is thrown in one arrives in the other as the same kind of error. */
import { type ErrorKind, failureCodec } from "../common/failure.js";
import { isStorageProblem, StorageError } from "../disk/errors.js";
import { FirmwareError, isFirmwareProblem } from "../firmware/errors.js";
import { NETWORK_ERROR } from "../network/failure.js";
import { OverlayBusyError } from "../overlay/errors.js";
import type { Holder } from "../overlay/tabs.js";
import { MachineError } from "./errors.js";

const STORAGE_ERROR: ErrorKind<StorageError> = {
  name: "StorageError",
  type: StorageError,
  pack: ({ problem, cause }) => ({ problem, cause: causeText(cause) }),
  unpack(data) {
    const { problem, cause } = (data ?? {}) as Record<string, unknown>;
    return isStorageProblem(problem) ? new StorageError(problem, { cause }) : undefined;
  },
};

const FIRMWARE_ERROR: ErrorKind<FirmwareError> = {
  name: "FirmwareError",
  type: FirmwareError,
  pack: ({ problem, subject }) => ({ problem, subject }),
  unpack(data) {
    const { problem, subject } = (data ?? {}) as Record<string, unknown>;
    return isFirmwareProblem(problem) && typeof subject === "string"
      ? new FirmwareError(problem, subject)
      : undefined;
  },
};

const MACHINE_ERROR: ErrorKind<MachineError> = {
  name: "MachineError",
  type: MachineError,
  pack: ({ details }) => details,
  unpack: (details, message) =>
    new MachineError(message, Array.isArray(details) ? details.map(String) : []),
};

const BUSY_ERROR: ErrorKind<OverlayBusyError> = {
  name: "OverlayBusyError",
  type: OverlayBusyError,
  pack: ({ problem, holder }) => ({ problem, holder }),
  unpack(data) {
    const { problem, holder } = (data ?? {}) as Record<string, unknown>;
    return problem === "in-use" || problem === "unsaved-elsewhere"
      ? new OverlayBusyError(problem, holder as Holder | undefined)
      : undefined;
  },
};

export const ERRORS = failureCodec(
  BUSY_ERROR,
  STORAGE_ERROR,
  FIRMWARE_ERROR,
  NETWORK_ERROR,
  MACHINE_ERROR,
);

/** What a browser said, in words that can be cloned. */
export function causeText(cause: unknown): string {
  if (cause instanceof Error || cause instanceof DOMException)
    return `${cause.name}: ${cause.message}`;
  return typeof cause === "string" ? cause : "";
}
