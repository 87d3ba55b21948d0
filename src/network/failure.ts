/** Errors as messages: what is thrown in a worker arrives in the page as the same kind of error. */
import { NetworkError, type NetworkProblem } from "./errors.js";

/** An error that can be posted. */
export type Failure =
  | { readonly name: "NetworkError"; readonly problem: NetworkProblem; readonly detail: string }
  | { readonly name: string; readonly message: string };

export function toFailure(reason: unknown): Failure {
  if (reason instanceof NetworkError) {
    const { problem, detail } = reason;
    return { name: "NetworkError", problem, detail };
  }
  return reason instanceof Error || reason instanceof DOMException
    ? { name: reason.name, message: reason.message }
    : { name: "AbortError", message: typeof reason === "string" ? reason : "It was given up." };
}

export function toError(failure: Failure): Error {
  if ("problem" in failure) return new NetworkError(failure.problem, failure.detail);
  const { name, message } = failure;
  if (name === "AbortError" || name === "TimeoutError") return new DOMException(message, name);
  return Object.assign(new Error(message), { name });
}
