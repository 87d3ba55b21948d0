/**
 * DHCP messages as a server reads and writes them.
 *
 * Whatever comes is from a guest that may be hostile: what is not exactly a client's message over Ethernet is no message.
 *
 * @see RFC 2131 and RFC 2132
 */
import { type Bytes, viewOf } from "../common/bytes.js";
import { octets } from "./ipv4.js";

const TYPES = [
  undefined,
  "discover",
  "offer",
  "request",
  "decline",
  "ack",
  "nak",
  "release",
  "inform",
] as const;
type Type = NonNullable<(typeof TYPES)[number]>;

const OP = { request: 1, reply: 2 } as const;
const ETHERNET = { type: 1, length: 6 } as const;
const COOKIE = 0x63825363;
/** Byte offsets of the fixed part. */
const AT = {
  op: 0,
  htype: 1,
  hlen: 2,
  xid: 4,
  flags: 10,
  ciaddr: 12,
  yiaddr: 16,
  giaddr: 24,
  chaddr: 28,
  cookie: 236,
  options: 240,
} as const;
const OPTION = {
  pad: 0,
  netmask: 1,
  router: 3,
  dns: 6,
  requested: 50,
  leaseSeconds: 51,
  type: 53,
  server: 54,
  end: 255,
} as const;
/** Some clients take nothing shorter (RFC 951). */
const LEAST_BYTES = 300;

export interface DhcpRequest {
  readonly type: Type;
  readonly transaction: number;
  readonly flags: number;
  /** the client's hardware address, 6 bytes */
  readonly hardware: Uint8Array;
  /** the address the client has and uses; 0 for none */
  readonly clientAddress: number;
  /** what it wishes, and which server it chose */
  readonly requested: number | undefined;
  readonly server: number | undefined;
}

/** Addresses are numbers, see `ipv4.ts`. */
export interface DhcpLease {
  readonly address: number;
  readonly netmask: number;
  readonly router: number;
  readonly dns: number;
  readonly server: number;
  readonly seconds: number;
}

/** @returns `undefined` for everything that is not a well-formed message of a client on this link */
export function parseDhcpRequest(bytes: Uint8Array): DhcpRequest | undefined {
  if (bytes.length < AT.options) return undefined;
  const view = viewOf(bytes);
  const isRequest =
    bytes[AT.op] === OP.request &&
    bytes[AT.htype] === ETHERNET.type &&
    bytes[AT.hlen] === ETHERNET.length &&
    view.getUint32(AT.cookie) === COOKIE &&
    view.getUint32(AT.giaddr) === 0;
  if (!isRequest) return undefined;
  const options = parseOptions(bytes.subarray(AT.options));
  const type = TYPES[options?.get(OPTION.type)?.[0] ?? 0];
  if (!options || !type || options.get(OPTION.type)?.length !== 1) return undefined;
  return {
    type,
    transaction: view.getUint32(AT.xid),
    flags: view.getUint16(AT.flags),
    hardware: bytes.slice(AT.chaddr, AT.chaddr + ETHERNET.length),
    clientAddress: view.getUint32(AT.ciaddr),
    requested: addressIn(options.get(OPTION.requested)),
    server: addressIn(options.get(OPTION.server)),
  };
}

/** @returns options by their code, the first of each; `undefined` when they are cut off */
function parseOptions(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    const code = bytes[at++] ?? OPTION.end;
    if (code === OPTION.end) return options;
    if (code === OPTION.pad) continue;
    const length = bytes[at++];
    if (length === undefined || at + length > bytes.length) return undefined;
    if (!options.has(code)) options.set(code, bytes.subarray(at, at + length));
    at += length;
  }
  return options;
}

function addressIn(bytes: Uint8Array | undefined): number | undefined {
  if (bytes?.length !== 4) return undefined;
  return viewOf(bytes).getUint32(0);
}

/** @param type "nak" carries no address, and an answer to "inform" none for the client */
export function formatDhcpReply(
  type: "offer" | "ack" | "nak",
  request: DhcpRequest,
  lease: DhcpLease,
): Bytes {
  const options: number[][] = [
    [OPTION.type, 1, TYPES.indexOf(type)],
    [OPTION.server, 4, ...octets(lease.server)],
  ];
  const isInform = request.type === "inform";
  if (type !== "nak") {
    options.push([OPTION.netmask, 4, ...octets(lease.netmask)]);
    options.push([OPTION.router, 4, ...octets(lease.router)]);
    options.push([OPTION.dns, 4, ...octets(lease.dns)]);
    if (!isInform) options.push([OPTION.leaseSeconds, 4, ...octets(lease.seconds)]);
  }
  const tail = [...options.flat(), OPTION.end];
  const reply = new Uint8Array(Math.max(LEAST_BYTES, AT.options + tail.length));
  const view = new DataView(reply.buffer);
  reply[AT.op] = OP.reply;
  reply[AT.htype] = ETHERNET.type;
  reply[AT.hlen] = ETHERNET.length;
  view.setUint32(AT.xid, request.transaction);
  view.setUint16(AT.flags, request.flags);
  if (type === "ack") view.setUint32(AT.ciaddr, request.clientAddress);
  if (type !== "nak" && !isInform) view.setUint32(AT.yiaddr, lease.address);
  reply.set(request.hardware, AT.chaddr);
  view.setUint32(AT.cookie, COOKIE);
  reply.set(tail, AT.options);
  return reply;
}
