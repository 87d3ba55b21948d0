/** Frames from a hostile guest: the page's stacks survive them all, and work afterwards. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDhcpRequest } from "../../src/network/dhcp-message.js";
import { parseDnsQuery } from "../../src/network/dns-message.js";
import { LanHost } from "../../src/network/lan-host.js";
import { Provider } from "../../src/network/provider.js";
import { Random, spoil } from "../fuzz/random.js";
import { ADDRESS, assertSame, type Bytes, echo, LWIP, MAC, pair, pattern } from "./stacks.js";
import { readAll, sendAll } from "./stacks.js";
import { VirtualClock } from "../common/virtual-clock.js";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_251_124);
const FRAMES = Number(process.env["FUZZ_RUNS"] ?? 100_000);
const PORT = 80;

const IP_AT = 14;
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 };
/** Bytes of a frame that decide what becomes of it. */
const PLACES = Array.from({ length: 70 }, (_, at) => at);

function sum(bytes: Uint8Array, start = 0): number {
  let total = start;
  for (let at = 0; at < bytes.length; at += 2)
    total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** Makes the checksums right again, so that more than the check of them is tested. */
function mend(frame: Bytes): Bytes {
  const view = new DataView(frame.buffer);
  if (frame.length < 34 || view.getUint16(12) !== 0x0800) return frame;
  const header = (view.getUint8(IP_AT) & 15) * 4;
  const length = view.getUint16(IP_AT + 2);
  if (header < 20 || length < header || IP_AT + length > frame.length) return frame;
  view.setUint16(IP_AT + 10, 0);
  view.setUint16(IP_AT + 10, ~sum(frame.subarray(IP_AT, IP_AT + header)) & 0xffff);
  const protocol = view.getUint8(IP_AT + 9);
  const body = frame.subarray(IP_AT + header, IP_AT + length);
  const at = protocol === PROTOCOL.tcp ? 16 : protocol === PROTOCOL.udp ? 6 : 2;
  if (body.length < at + 2 || !Object.values(PROTOCOL).includes(protocol)) return frame;
  body.fill(0, at, at + 2);
  const pseudo =
    protocol === PROTOCOL.icmp
      ? 0
      : sum(frame.subarray(IP_AT + 12, IP_AT + 20), protocol + body.length);
  const checksum = ~sum(body, pseudo) & 0xffff;
  body[at] = checksum >>> 8;
  body[at + 1] = checksum & 255;
  return frame;
}

function hostile(corpus: readonly Bytes[], random: Random): Bytes {
  if (random.oneIn(20)) return random.bytes(random.below(1600));
  const frame = spoil(random.pick(corpus), random, random.oneIn(3) ? undefined : PLACES);
  return random.oneIn(4) ? frame : mend(frame);
}

test("two stacks in conversation survive hostile frames", async () => {
  // Two ends that were lied to may answer each other for ever; this wire is full some time.
  const clock = new VirtualClock();
  let room = 0;
  const wire = (send: (frame: Bytes) => void) => (frame: Bytes) => {
    if (room-- > 0) clock.after(1, () => send(frame));
  };
  const net = await pair(wire, clock);
  net.b.listen(PORT, (stream) => void echo(stream).catch(() => undefined));
  net.b.openUdp(53, () => undefined);
  const random = new Random(SEED);
  const socket = net.a.openUdp(1000, () => undefined);
  /** A few connections that come and go, so that frames meet every state of one. */
  const chat = async () => {
    try {
      const stream = await net.a.connect(ADDRESS.b, PORT);
      const some = pattern(random.below(5000));
      if (random.oneIn(4)) await sendAll(stream, some);
      else await stream.writable.getWriter().write(some);
      if (random.oneIn(4)) await stream.readable.cancel();
      else await stream.readable.getReader().read();
    } catch {
      // Hostile frames end connections; that is allowed.
    }
  };
  let corpus: Bytes[] = [];
  for (let count = 0; count < FRAMES; count++) {
    if (count % 500 === 0) {
      room = 500;
      void chat();
      socket.send(ADDRESS.b, 53, random.bytes(random.below(1400)));
      net.a.ping(ADDRESS.b).catch(() => undefined);
      await net.clock.pass(random.below(300));
      corpus = [...corpus, ...net.sent.a, ...net.sent.b].slice(-300);
      net.sent.a = [];
      net.sent.b = [];
      assert.ok(corpus.length > 0);
    }
    (random.oneIn(2) ? net.a : net.b).receive(hostile(corpus, random));
  }
  await net.clock.pass(60_000);
  room = Infinity;
  const stream = await net.clock.until(net.a.connect(ADDRESS.b, PORT));
  const [, back] = await net.clock.until(
    Promise.all([sendAll(stream, pattern(100_000)), readAll(stream)]),
  );
  assertSame(back, pattern(100_000));
});

test("a LAN host and a provider survive hostile frames", async (t) => {
  const clock = new VirtualClock();
  const random = new Random(SEED + 1);
  // Either would hide a failure of its stack behind a new one.
  const { instantiate } = WebAssembly;
  let stacks = 0;
  t.mock.method(WebAssembly, "instantiate", (module: WebAssembly.Module, imports: object) => {
    stacks++;
    return instantiate(module, imports as WebAssembly.Imports);
  });
  let corpus: Bytes[] = [];
  const keep = (frame: Bytes) => {
    if (corpus.length < 400) corpus.push(frame);
    else corpus[random.below(400)] = frame;
  };
  const provider = await Provider.create({
    lwip: LWIP,
    mac: MAC.b,
    clock,
    sendFrame: (frame) => {
      keep(frame);
      clock.after(1, () => host.receive(frame));
    },
  });
  provider.plugged = true;
  // A provider is a DHCP server with a gateway, and so a router to the host.
  const host = await LanHost.create({
    lwip: LWIP,
    mac: MAC.a,
    clock,
    sendFrame: (frame) => {
      keep(frame);
      clock.after(1, () => provider.receive(frame));
    },
  });
  for (let count = 0; count < FRAMES; count++) {
    if (count % 500 === 0) {
      if (count % 5000 === 0) host.renew();
      host.connect(PORT, { timeout: 1000 }).catch(() => undefined);
      host.ping(1000).catch(() => undefined);
      await clock.pass(random.below(1000));
    }
    (random.oneIn(2) ? host : provider).receive(hostile(corpus, random));
  }
  assert.equal(stacks, 2);
  corpus = [];
  host.renew();
  await clock.pass(60_000);
  assert.equal(host.status.router, "100.64.0.1");
  assert.ok((await clock.until(host.ping())) >= 0);
});

test("messages from anywhere are read or refused", () => {
  const random = new Random(SEED + 2);
  const dhcp = new Uint8Array(300);
  dhcp.set([1, 1, 6]);
  dhcp.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 50, 4, 1, 2, 3, 4, 55, 2, 1, 3, 255], 236);
  const dns = new Uint8Array([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 1, 98, 0, 0, 1, 0, 1]);
  assert.equal(parseDhcpRequest(dhcp)?.requested, 0x01020304);
  assert.equal(parseDnsQuery(dns)?.question?.name, "a.b");
  for (let count = 0; count < FRAMES; count++) {
    const request = parseDhcpRequest(spoil(dhcp, random));
    assert.ok(request === undefined || request.hardware.length === 6);
    const query = parseDnsQuery(spoil(dns, random));
    assert.ok((query?.question?.name.length ?? 0) < 256);
  }
});
