/** Errors between a page and a machine's worker: what is thrown in one arrives in the other as the same kind of error. */
import type { ErrorCodec } from "../common/rpc.js";
import { StorageError, type StorageProblem } from "../disk/errors.js";
import { FirmwareError, type FirmwareProblem } from "../firmware/errors.js";
import { NetworkError, type NetworkProblem } from "../network/errors.js";
import { MachineError } from "./errors.js";

/** An error that can be cloned. */
type Failure =
  | { readonly is: "storage"; readonly problem: StorageProblem; readonly cause: string }
  | { readonly is: "firmware"; readonly problem: FirmwareProblem; readonly subject: string }
  | { readonly is: "network"; readonly problem: NetworkProblem; readonly detail: string }
  | { readonly is: "machine"; readonly message: string; readonly details: readonly string[] }
  /** an AbortError or a TimeoutError */
  | { readonly is: "dom"; readonly name: string; readonly message: string }
  | { readonly is: "other"; readonly message: string };

export const ERRORS: ErrorCodec = {
  encode: (error) => encode(error),
  decode: (failure) => decode(failure as Failure),
};

function encode(error: unknown): Failure {
  if (error instanceof StorageError)
    return { is: "storage", problem: error.problem, cause: causeText(error.cause) };
  if (error instanceof FirmwareError)
    return { is: "firmware", problem: error.problem, subject: error.subject };
  if (error instanceof NetworkError)
    return { is: "network", problem: error.problem, detail: error.detail };
  if (error instanceof MachineError)
    return { is: "machine", message: error.message, details: error.details };
  if (error instanceof DOMException) return { is: "dom", name: error.name, message: error.message };
  return { is: "other", message: error instanceof Error ? error.message : String(error) };
}

function decode(failure: Failure): Error {
  switch (failure.is) {
    case "storage":
      return new StorageError(failure.problem, { cause: failure.cause });
    case "firmware":
      return new FirmwareError(failure.problem, failure.subject);
    case "network":
      return new NetworkError(failure.problem, failure.detail);
    case "machine":
      return new MachineError(failure.message, failure.details);
    case "dom":
      return new DOMException(failure.message, failure.name);
    case "other":
      return new MachineError(
        "The emulator stopped because of an internal error. Start the router again; what it saved is kept.",
        [failure.message],
      );
  }
}

/** What a browser said, in words that can be cloned. */
export function causeText(cause: unknown): string {
  if (cause instanceof Error || cause instanceof DOMException)
    return `${cause.name}: ${cause.message}`;
  return typeof cause === "string" ? cause : "";
}
