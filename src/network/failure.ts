/** How a {@link NetworkError} crosses from one context to another. */
import type { BytePortOptions } from "../common/byte-port.js";
import { type ErrorKind, failureCodec } from "../common/failure.js";
import { isNetworkProblem, NetworkError } from "./errors.js";

export const NETWORK_ERROR: ErrorKind<NetworkError> = {
  name: "NetworkError",
  type: NetworkError,
  pack: ({ problem, detail }) => ({ problem, detail }),
  unpack(data) {
    const { problem, detail } = (data ?? {}) as Record<string, unknown>;
    if (!isNetworkProblem(problem) || typeof detail !== "string") return undefined;
    return new NetworkError(problem, detail);
  },
};

/** For connections and bodies on a port: the end of whoever holds the other one is a router that is off. */
export const NETWORK_PORT: Required<BytePortOptions> = {
  codec: failureCodec(NETWORK_ERROR),
  lost: () => new NetworkError("off"),
};
