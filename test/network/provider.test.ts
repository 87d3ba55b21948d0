/** The provider as a router sees it: a lease, a gateway that answers, a few names, and no Internet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkError } from "../../src/network/errors.js";
import { IpStack } from "../../src/network/ip-stack.js";
import { formatIPv4, type IpAddress, parseIPv4 } from "../../src/network/ipv4.js";
import { Provider } from "../../src/network/provider.js";
import { type Bytes, LWIP, MAC } from "./stacks.js";
import { VirtualClock } from "../common/virtual-clock.js";

const GATEWAY = parseIPv4("100.64.0.1")!;
const ELSEWHERE = parseIPv4("192.0.2.7")!;

/** A router's WAN card, with the cable in. */
async function wan() {
  const clock = new VirtualClock();
  const received: Bytes[] = [];
  const provider = await Provider.create({
    lwip: LWIP,
    mac: MAC.a,
    clock,
    sendFrame: (frame) => {
      received.push(frame);
      router.receive(frame);
    },
  });
  const router = await IpStack.create({
    lwip: LWIP,
    mac: MAC.b,
    clock,
    sendFrame: (frame) => provider.receive(frame),
  });
  provider.plugged = true;
  return { clock, provider, router, received };
}

/** Asks the provider's name server. */
async function ask(net: Awaited<ReturnType<typeof wan>>, message: Bytes): Promise<Bytes> {
  const answer = new Promise<Bytes>((resolve) => {
    const socket = net.router.openUdp(5353, (_address, _port, bytes) => {
      socket.close();
      resolve(bytes);
    });
    socket.send(GATEWAY, 53, message);
  });
  return net.clock.until(answer);
}

function query(name: string, type = 1, flags = 0x0100): Bytes {
  const labels = name === "" ? [] : name.split(".");
  const encoded = labels.flatMap((label) => [label.length, ...Buffer.from(label)]);
  const header = [0x12, 0x34, flags >> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, 0];
  return new Uint8Array([...header, ...encoded, 0, type >> 8, type & 255, 0, 1]);
}

async function leased() {
  const net = await wan();
  net.router.discover();
  await net.clock.pass(2_000);
  return net;
}

test("gives the router an address, a gateway and a name server", async () => {
  const { router } = await leased();
  const { leased: isLeased, address, gateway, server }: IpAddress = router.address;
  assert.ok(isLeased);
  assert.deepEqual([address, gateway, server].map(formatIPv4), [
    "100.64.0.2",
    "100.64.0.1",
    "100.64.0.1",
  ]);
});

test("renews the lease for days", async () => {
  const { router, clock } = await leased();
  await clock.pass(2 * 24 * 3600 * 1000);
  assert.ok(router.address.leased);
});

test("lets nothing through while the cable is out, in either direction", async () => {
  const net = await wan();
  net.provider.plugged = false;
  net.router.discover();
  await net.clock.pass(60_000);
  assert.equal(net.received.length, 0);
  assert.equal(net.router.address.address, 0);
  net.provider.plugged = true;
  await net.clock.pass(60_000);
  assert.ok(net.router.address.leased);
  net.provider.plugged = false;
  const count = net.received.length;
  await net.clock.pass(60_000);
  assert.equal(net.received.length, count);
});

test("answers pings to the gateway, and tells that nothing is beyond it", async () => {
  const { clock, router, received } = await leased();
  assert.ok((await clock.until(router.ping(GATEWAY))) >= 0);
  received.length = 0;
  await assert.rejects(clock.until(router.ping(ELSEWHERE)), NetworkError);
  const icmp = received.filter((frame) => frame[12] === 8 && frame[23] === 1);
  assert.deepEqual(
    icmp.map((frame) => [frame[34], frame[35]]),
    [[3, 0]],
  );
});

for (const [name, type, code, address] of [
  ["provider.test", 1, 0, "100.64.0.1"],
  ["OpenWrt.org", 1, 0, "100.64.0.1"],
  ["openwrt.org", 28, 0, undefined],
  ["nobody.test", 1, 3, undefined],
  ["example.com", 1, 5, undefined],
  ["notopenwrt.org", 1, 5, undefined],
  ["", 2, 5, undefined],
] as const)
  test(`answers a question for "${name}", type ${type}, with code ${code}`, async () => {
    const reply = await ask(await leased(), query(name, type));
    const view = new DataView(reply.buffer);
    assert.equal(view.getUint16(0), 0x1234);
    assert.equal(view.getUint16(2) & 0x800f, 0x8000 | code);
    assert.equal(view.getUint16(6), address === undefined ? 0 : 1);
    if (address !== undefined) assert.equal(formatIPv4(view.getUint32(reply.length - 4)), address);
  });

test("questions that are none are told so, and answers are ignored", async () => {
  const net = await leased();
  const code = async (message: Bytes) => ((await ask(net, message))[3] ?? 0) & 15;
  assert.equal(await code(query("openwrt.org").slice(0, 20)), 1);
  assert.equal(await code(new Uint8Array([...query("a").slice(0, 12), 0xc0, 12, 0, 1, 0, 1])), 1);
  assert.equal(await code(query("openwrt.org", 1, 0x2800)), 4);
  const before = net.received.length;
  net.router.openUdp(6000, () => assert.fail()).send(GATEWAY, 53, query("openwrt.org", 1, 0x8000));
  await net.clock.pass(1_000);
  assert.equal(net.received.length, before);
});

test("another address than the one it gives is refused", async () => {
  const { clock, router, provider } = await leased();
  router.setAddress(GATEWAY + 50, 0xffffff00, GATEWAY);
  router.verify();
  await clock.pass(5_000);
  assert.equal(formatIPv4(router.address.address), "100.64.0.2");
  provider.destroy();
  provider.receive(new Uint8Array(60));
  router.destroy();
  assert.equal(clock.pending, 0);
});
