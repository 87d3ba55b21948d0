/** The page on the router's LAN: it finds the router, follows it, and does without DHCP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteStream } from "../../src/common/byte-stream.js";
import { serveDhcp } from "../../src/network/dhcp-server.js";
import { NetworkError } from "../../src/network/errors.js";
import { IpStack } from "../../src/network/ip-stack.js";
import { parseIPv4 } from "../../src/network/ipv4.js";
import { LanHost, type LanStatus, type RouterAddress } from "../../src/network/lan-host.js";
import { assertSame, type Bytes, echo, LWIP, MAC, pattern, readAll, sendAll } from "./stacks.js";
import { VirtualClock } from "../common/virtual-clock.js";

const PORT = 80;
const HOUR = 3600;

/** A router of another make: its LAN is 24 bits wide and its server echoes. */
class Router {
  stack!: IpStack;
  powered = true;
  #stopDhcp: () => void = () => undefined;

  constructor(
    private readonly clock: VirtualClock,
    private readonly send: (frame: Bytes) => void,
  ) {}

  async boot(address: string, options: { dhcp: boolean } = { dhcp: true }): Promise<this> {
    this.stack = await IpStack.create({
      lwip: LWIP,
      mac: MAC.b,
      clock: this.clock,
      sendFrame: (frame) => {
        if (this.powered) this.send(frame);
      },
    });
    this.stack.listen(PORT, (stream) => void echo(stream).catch(() => undefined));
    this.move(address, options);
    return this;
  }

  /** As when somebody saves another LAN address: nobody is told. */
  move(address: string, { dhcp } = { dhcp: true }): void {
    const router = parseIPv4(address)!;
    this.#stopDhcp();
    this.stack.setAddress(router, 0xffffff00, 0);
    this.#stopDhcp = () => undefined;
    if (!dhcp) return;
    const lease = { address: router + 99, netmask: 0xffffff00, dns: router, seconds: 12 * HOUR };
    this.#stopDhcp = serveDhcp(this.stack, { ...lease, router, server: router });
  }

  receive(frame: Bytes): void {
    if (this.powered) this.stack.receive(frame);
  }
}

async function lan(
  boot?: string,
  options: { dhcp: boolean; routerAddress?: () => Promise<RouterAddress | undefined> } = {
    dhcp: true,
  },
) {
  const clock = new VirtualClock();
  const net = {
    clock,
    seen: [] as LanStatus[],
    frames: 0,
    router: undefined as Router | undefined,
  };
  const router = new Router(clock, (frame) => host.receive(frame));
  if (boot !== undefined) net.router = await router.boot(boot, options);
  const { routerAddress } = options;
  const host = await LanHost.create({
    lwip: LWIP,
    mac: MAC.a,
    clock,
    sendFrame: (frame) => {
      net.frames++;
      net.router?.receive(frame);
    },
    onStatus: (status) => net.seen.push(status),
    ...(routerAddress && { routerAddress }),
  });
  return Object.assign(net, { host, newRouter: router });
}

function problem(name: NetworkError["problem"]) {
  return (error: unknown) => error instanceof NetworkError && error.problem === name;
}

async function roundTrip(stream: ByteStream): Promise<void> {
  const bytes = pattern(3000);
  const [, back] = await Promise.all([sendAll(stream, bytes), readAll(stream)]);
  assertSame(back, bytes);
}

const AT_1 = {
  phase: "leased",
  address: "192.168.1.100",
  netmask: "255.255.255.0",
  router: "192.168.1.1",
};
const AT_2 = { ...AT_1, address: "192.168.2.100", router: "192.168.2.1" };

test("gets a lease from the router and connects to it", async () => {
  const { host, clock } = await lan("192.168.1.1");
  const stream = await clock.until(host.connect(PORT));
  assert.deepEqual(host.status, AT_1);
  await clock.until(roundTrip(stream));
  assert.ok((await clock.until(host.ping())) >= 0);
  await assert.rejects(clock.until(host.connect(81)), problem("refused"));
});

test("finds a router that boots later within seconds", async () => {
  const net = await lan();
  await assert.rejects(net.clock.until(net.host.connect(PORT)), problem("unreachable"));
  await net.clock.pass(300_000);
  net.router = await net.newRouter.boot("192.168.1.1");
  await net.clock.pass(2_000);
  assert.deepEqual(net.host.status, AT_1);
});

test("a connection that is asked for early waits for the router", async () => {
  const net = await lan();
  const stream = net.host.connect(PORT);
  await net.clock.pass(5_000);
  net.router = await net.newRouter.boot("192.168.1.1");
  await net.clock.until(roundTrip(await net.clock.until(stream)));
});

test("follows a router whose LAN address changes", async () => {
  const { host, clock, router, seen } = await lan("192.168.1.1");
  const old = await clock.until(host.connect(PORT));
  router!.move("192.168.2.1");
  await clock.pass(10_000);
  assert.deepEqual(host.status, AT_2);
  assert.deepEqual(seen, [AT_1, { phase: "searching" }, AT_2]);
  await assert.rejects(clock.until(readAll(old)), problem("reset"));
  await clock.until(roundTrip(await clock.until(host.connect(PORT))));
});

test("a connection asked for just after the change arrives at the new address", async () => {
  const { host, clock, router } = await lan("192.168.1.1");
  await clock.pass(60_000);
  router!.move("192.168.2.1");
  const stream = await clock.until(host.connect(PORT));
  assert.deepEqual(host.status, AT_2);
  await clock.until(roundTrip(stream));
});

test("finds a router again that rebooted, at the same address or another", async () => {
  for (const address of ["192.168.1.1", "192.168.2.1"]) {
    const net = await lan("192.168.1.1");
    await net.clock.until(net.host.connect(PORT));
    net.newRouter.stack.destroy();
    net.router = undefined;
    await net.clock.pass(40_000);
    assert.deepEqual(net.host.status, { phase: "searching" });
    net.router = await net.newRouter.boot(address);
    await net.clock.pass(4_000);
    assert.equal(net.host.status.router, address);
    await net.clock.until(roundTrip(await net.clock.until(net.host.connect(PORT))));
  }
});

test("connections outlive a router that pauses", async () => {
  const { host, clock, router } = await lan("192.168.1.1");
  const stream = await clock.until(host.connect(PORT));
  router!.powered = false;
  await clock.pass(40_000);
  assert.equal(host.status.phase, "searching");
  router!.powered = true;
  await clock.until(roundTrip(stream));
  assert.deepEqual(host.status, AT_1);
});

test("without DHCP it takes an address beside the one that the router tells", async () => {
  let known = { address: "192.168.7.254", netmask: "255.255.255.0" };
  const { host, clock, router } = await lan("192.168.7.254", {
    dhcp: false,
    routerAddress: () => Promise.resolve(known),
  });
  const stream = await clock.until(host.connect(PORT));
  assert.deepEqual(host.status, {
    phase: "static",
    address: "192.168.7.253",
    netmask: "255.255.255.0",
    router: "192.168.7.254",
  });
  await clock.until(roundTrip(stream));
  known = { address: "10.9.8.1", netmask: "255.255.255.0" };
  router!.move(known.address, { dhcp: false });
  await clock.pass(15_000);
  assert.equal(host.status.router, "10.9.8.1");
  router!.move(known.address, { dhcp: true });
  await clock.pass(15_000);
  assert.equal(host.status.phase, "leased");
});

test("a lease that comes late waits until no connection needs the other address", async () => {
  const net = await lan("192.168.1.1", {
    dhcp: false,
    routerAddress: () => Promise.resolve({ address: "192.168.1.1", netmask: "255.255.255.0" }),
  });
  const stream = await net.clock.until(net.host.connect(PORT));
  net.router!.move("192.168.1.1", { dhcp: true });
  await net.clock.pass(120_000);
  assert.equal(net.host.status.phase, "static");
  await net.clock.until(roundTrip(stream));
  await net.clock.pass(20_000);
  assert.deepEqual(net.host.status, AT_1);
});

test("with a connection open it follows a router without DHCP all the same", async () => {
  let address = "192.168.1.1";
  const net = await lan(address, {
    dhcp: false,
    routerAddress: () => Promise.resolve({ address, netmask: "255.255.255.0" }),
  });
  await net.clock.until(net.host.connect(PORT));
  address = "192.168.2.1";
  net.router!.move(address, { dhcp: true });
  await net.clock.pass(20_000);
  assert.deepEqual(net.host.status, AT_2);
});

test("an answer that is no address, or a failure, changes nothing", async () => {
  const answers = [
    { address: "nonsense", netmask: "255.255.255.0" },
    { address: "1.2.3.4", netmask: "255.0.255.0" },
    { address: "1.2.3.4", netmask: "255.255.255.255" },
    { address: "0.0.0.0", netmask: "255.255.255.0" },
    undefined,
  ];
  let asked = 0;
  const { host, clock } = await lan("1.2.3.4", {
    dhcp: false,
    routerAddress: () =>
      asked < answers.length ? Promise.resolve(answers[asked++]) : Promise.reject(new Error("no")),
  });
  await clock.pass(60_000);
  assert.equal(asked, answers.length);
  assert.deepEqual(host.status, { phase: "searching" });
});

test("renewing forgets the lease, cuts connections and finds the router again", async () => {
  const { host, clock, seen } = await lan("192.168.1.1");
  const stream = await clock.until(host.connect(PORT));
  host.renew();
  await assert.rejects(clock.until(readAll(stream)), problem("reset"));
  await clock.until(roundTrip(await clock.until(host.connect(PORT))));
  assert.deepEqual(seen, [AT_1, { phase: "searching" }, AT_1]);
});

test("keeps its lease for days without troubling the router much", async () => {
  const net = await lan("192.168.1.1");
  await net.clock.pass(1_000);
  net.frames = 0;
  await net.clock.pass(2 * 24 * HOUR * 1000);
  assert.deepEqual(net.seen, [AT_1]);
  assert.ok(net.frames < 2 * 24 * HOUR, `${net.frames} frames`);
});

test("a signal and a timeout end an attempt to connect", async () => {
  const { host, clock } = await lan();
  const control = new AbortController();
  const attempt = host.connect(PORT, { signal: control.signal });
  control.abort(new Error("enough"));
  await assert.rejects(attempt, /enough/);
  await assert.rejects(clock.until(host.connect(PORT, { timeout: 50 })), problem("unreachable"));
  await assert.rejects(clock.until(host.ping(50)), problem("unreachable"));
});

test('destroying it ends everything with "off", and its timers', async () => {
  for (const boot of [undefined, "192.168.1.1"]) {
    const { host, clock, router } = await lan(boot);
    if (boot !== undefined) await clock.until(host.ping());
    if (router) router.powered = false;
    const pending = [host.connect(PORT), host.ping(), host.connect(PORT, { timeout: 1 })];
    await clock.pass(0);
    host.destroy();
    for (const one of await Promise.allSettled(pending))
      assert.ok(one.status === "rejected" && problem("off")(one.reason));
    await assert.rejects(host.connect(PORT), problem("off"));
    host.receive(pattern(60));
    host.renew();
    router?.stack.destroy();
    assert.equal(clock.pending, 0);
  }
});

test("begins again when the stack itself fails", async (t) => {
  const { instantiate } = WebAssembly;
  let failing = false;
  t.mock.method(
    WebAssembly,
    "instantiate",
    async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
      const { exports } = await instantiate(module, imports);
      const receive = exports["receive"] as (length: number) => void;
      return {
        exports: {
          ...exports,
          receive(length: number) {
            if (failing) throw new WebAssembly.RuntimeError("unreachable");
            receive(length);
          },
        },
      };
    },
  );
  const { host, clock, router, seen } = await lan("192.168.1.1");
  const stream = await clock.until(host.connect(PORT));
  router!.powered = false;
  const pending = host.ping();
  pending.catch(() => undefined);
  failing = true;
  host.receive(pattern(60));
  failing = false;
  router!.powered = true;
  await assert.rejects(clock.until(readAll(stream)), problem("reset"));
  await assert.rejects(clock.until(pending), problem("reset"));
  await clock.until(roundTrip(await clock.until(host.connect(PORT))));
  assert.deepEqual(seen, [AT_1, { phase: "searching" }, AT_1]);
});
