/** A DHCP server with one address to give, for a link with one client on it. */
import {
  type DhcpLease,
  type DhcpRequest,
  formatDhcpReply,
  parseDhcpRequest,
} from "./dhcp-message.js";
import type { IpStack } from "./ip-stack.js";

const PORT = { server: 67, client: 68 } as const;
const BROADCAST = 0xffffffff;

/** @returns what ends it */
export function serveDhcp(stack: IpStack, lease: DhcpLease): () => void {
  const socket = stack.openUdp(PORT.server, (_address, _port, bytes) => {
    const request = parseDhcpRequest(bytes);
    const type = request && answerTo(request, lease);
    if (!type) return;
    // A client that has no address yet hears only what is for everybody.
    const to = type === "nak" ? BROADCAST : request.clientAddress || BROADCAST;
    socket.send(to, PORT.client, formatDhcpReply(type, request, lease));
  });
  return () => socket.close();
}

/** @returns `undefined`: no answer is due */
function answerTo(request: DhcpRequest, lease: DhcpLease): "offer" | "ack" | "nak" | undefined {
  switch (request.type) {
    case "discover":
      return "offer";
    case "request":
      if (request.server !== undefined && request.server !== lease.server) return undefined;
      return (request.requested ?? request.clientAddress) === lease.address ? "ack" : "nak";
    case "inform":
      return request.clientAddress === 0 ? undefined : "ack";
    default:
      return undefined;
  }
}
