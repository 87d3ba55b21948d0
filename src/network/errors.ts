/** Why the router could not be reached, or answered something that cannot be used. */
export type NetworkProblem =
  /** the router has no address that we know of, or does not answer */
  | "unreachable"
  /** nothing listens on that port */
  | "refused"
  /** the connection was cut by the router */
  | "reset"
  /** no answer in the time that was allowed */
  | "timeout"
  /** the machine is off, or went off */
  | "off"
  /** what came back is not HTTP, or exceeds a limit */
  | "protocol"
  /** a redirect that cannot or must not be followed */
  | "redirect";

const SENTENCES: Record<NetworkProblem, string> = {
  unreachable:
    "The router does not answer on its LAN. It may still be starting, or its network may be set up wrongly.",
  refused: "Nothing listens on that port of the router. Its server may not be running.",
  reset: "The router cut the connection.",
  timeout: "The router did not answer in time.",
  off: "The router is off, or was switched off.",
  protocol: "The router's server answered something that is not valid HTTP.",
  redirect: "The router's server sent us on to an address that cannot be followed from here.",
};

export function isNetworkProblem(value: unknown): value is NetworkProblem {
  return typeof value === "string" && Object.hasOwn(SENTENCES, value);
}

/** The router could not be reached, or answered nonsense. `message` can be shown as it is. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";

  /** @param detail what exactly happened, for somebody who looks for the cause */
  constructor(
    readonly problem: NetworkProblem,
    readonly detail = "",
    options?: { cause?: unknown },
  ) {
    super(SENTENCES[problem] + (detail ? ` (${detail})` : ""), options);
  }
}
