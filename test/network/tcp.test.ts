/** TCP between two stacks: everything arrives, once, in order, and connections end as they should. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteStream } from "../../src/common/byte-stream.js";
import { NetworkError } from "../../src/network/errors.js";
import { ADDRESS, assertSame, badWire, echo, pair, pattern, readAll, sendAll } from "./stacks.js";
import { VirtualClock } from "../common/virtual-clock.js";

const MB = 1_000_000;
const PORT = 80;

/** Both directions at once, compared byte for byte. */
async function exchange(stream: ByteStream, peer: ByteStream, bytes: number): Promise<void> {
  const [there, back] = [pattern(bytes, 1), pattern(bytes, 2)];
  const [, , atPeer, here] = await Promise.all([
    sendAll(stream, there),
    sendAll(peer, back),
    readAll(peer),
    readAll(stream),
  ]);
  assertSame(atPeer, there);
  assertSame(here, back);
}

/** A connection from `a` to `b`, both ends. */
async function connected(net: Awaited<ReturnType<typeof pair>>) {
  const accepted = new Promise<ByteStream>((resolve) => net.b.listen(PORT, resolve));
  const stream = await net.clock.until(net.a.connect(ADDRESS.b, PORT));
  return { stream, peer: await net.clock.until(accepted) };
}

function problem(name: NetworkError["problem"]) {
  return (error: unknown) => error instanceof NetworkError && error.problem === name;
}

test("20 MB go both ways over a good wire, exactly", async () => {
  const net = await pair();
  const { stream, peer } = await connected(net);
  await net.clock.until(exchange(stream, peer, 20 * MB));
});

test("20 MB go both ways over a wire that loses, doubles and reorders, exactly", async () => {
  const clock = new VirtualClock();
  const net = await pair(badWire(clock, 20_251_124), clock);
  const { stream, peer } = await connected(net);
  await clock.until(exchange(stream, peer, 20 * MB));
});

test("200 connections at a time each get their own bytes back", async () => {
  const net = await pair();
  net.b.listen(PORT, (stream) => void echo(stream));
  const one = async (seed: number) => {
    const stream = await net.a.connect(ADDRESS.b, PORT);
    const bytes = pattern(50_000 + seed, seed);
    const [, back] = await Promise.all([sendAll(stream, bytes), readAll(stream)]);
    assertSame(back, bytes);
  };
  await net.clock.until(Promise.all(Array.from({ length: 200 }, (_, seed) => one(seed + 1))));
});

for (const closesFirst of ["client", "server"] as const)
  test(`5,000 connections one after the other, closed by the ${closesFirst}`, async () => {
    const net = await pair();
    const hello = pattern(100);
    net.b.listen(PORT, (stream) => {
      void (closesFirst === "server" ? sendAll(stream, hello) : echo(stream));
    });
    const all = async () => {
      for (let count = 0; count < 5000; count++) {
        const stream = await net.a.connect(ADDRESS.b, PORT);
        if (closesFirst === "client") await sendAll(stream, hello);
        assert.equal((await readAll(stream)).length, hello.length);
        if (closesFirst === "server") await stream.writable.close();
      }
    };
    await net.clock.until(all());
  });

test("bytes that come with the FIN are read before the end", async () => {
  const net = await pair();
  const { stream, peer } = await connected(net);
  // Nothing is sent while no window is open, so the last bytes wait and then travel with the FIN.
  const bytes = pattern(400_000);
  const sent = sendAll(peer, bytes);
  await net.clock.pass(1000);
  await net.clock.until(Promise.all([sent, readAll(stream).then((got) => assertSame(got, bytes))]));
});

test("one side may finish and still read for long", async () => {
  const net = await pair();
  const { stream, peer } = await connected(net);
  await net.clock.until(sendAll(stream, pattern(10)));
  assert.equal((await net.clock.until(readAll(peer))).length, 10);
  await net.clock.pass(600_000);
  const bytes = pattern(MB);
  const [, got] = await net.clock.until(Promise.all([sendAll(peer, bytes), readAll(stream)]));
  assertSame(got, bytes);
});

test("a port on which nobody listens refuses", async () => {
  const net = await pair();
  await assert.rejects(net.clock.until(net.a.connect(ADDRESS.b, 81)), problem("refused"));
});

test("no answer at all ends in a timeout", async () => {
  const net = await pair();
  net.plugged = false;
  await assert.rejects(net.clock.until(net.a.connect(ADDRESS.b, PORT)), problem("timeout"));
});

test("without an address the other side is unreachable", async () => {
  const net = await pair();
  net.a.setAddress(0, 0, 0);
  await assert.rejects(net.clock.until(net.a.connect(ADDRESS.b, PORT)), problem("unreachable"));
});

test("a signal ends the attempt to connect with its reason", async () => {
  const net = await pair();
  net.plugged = false;
  const control = new AbortController();
  const attempt = net.a.connect(ADDRESS.b, PORT, control.signal);
  control.abort(new Error("enough"));
  await assert.rejects(attempt, /enough/);
  await assert.rejects(net.a.connect(ADDRESS.b, PORT, control.signal), /enough/);
});

for (const how of ["aborting the writer", "cancelling the reader"])
  test(`${how} resets the connection for the other side`, async () => {
    const net = await pair();
    const { stream, peer } = await connected(net);
    const reading = peer.readable.getReader().read();
    reading.catch(() => undefined);
    if (how === "aborting the writer") await stream.writable.abort(new Error("no more"));
    else await stream.readable.cancel();
    await assert.rejects(net.clock.until(reading), problem("reset"));
    await assert.rejects(peer.writable.getWriter().write(pattern(1)), problem("reset"));
  });

test("what came before a reset is read before it is reported", async () => {
  const net = await pair();
  const { stream, peer } = await connected(net);
  await net.clock.until(peer.writable.getWriter().write(pattern(5000)));
  await net.clock.pass(100);
  await peer.readable.cancel();
  await net.clock.pass(100);
  const reader = stream.readable.getReader();
  assert.equal((await net.clock.until(reader.read())).value?.length, 5000);
  await assert.rejects(net.clock.until(reader.read()), problem("reset"));
});

test("a peer that vanishes is noticed", async () => {
  const net = await pair();
  const { stream } = await connected(net);
  net.plugged = false;
  await assert.rejects(net.clock.until(readAll(stream)), problem("reset"));
});

test("a reader that does not read holds the writer back", async () => {
  const net = await pair();
  const { stream, peer } = await connected(net);
  const writer = stream.writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (;;) {
      await writer.write(pattern(10_000));
      written += 10_000;
    }
  })();
  writing.catch(() => undefined);
  await net.clock.pass(60_000);
  // One window at the reader, one buffer at the writer, of 128 segments each.
  assert.ok(written <= 2 * 128 * 1460, `${written} bytes were accepted`);
  const reader = peer.readable.getReader();
  const read = async () => {
    for (let got = 0; got < MB;) got += (await reader.read()).value?.length ?? 0;
  };
  await net.clock.until(read());
  assert.ok(written >= MB);
  await stream.readable.cancel();
  await assert.rejects(writing);
});

test("a connection outlives a wire that is cut for a while", async () => {
  const net = await pair();
  const { stream, peer } = await connected(net);
  net.plugged = false;
  const sent = sendAll(stream, pattern(1000));
  await net.clock.pass(20_000);
  net.plugged = true;
  const [, got] = await net.clock.until(Promise.all([sent, readAll(peer)]));
  assertSame(got, pattern(1000));
});

test("pings come back, in both directions", async () => {
  const net = await pair();
  assert.ok((await net.clock.until(net.a.ping(ADDRESS.b))) >= 0);
  assert.ok((await net.clock.until(net.b.ping(ADDRESS.a))) >= 0);
  await assert.rejects(net.clock.until(net.a.ping(ADDRESS.b + 1)), problem("timeout"));
});

test("datagrams come with their sender's address and port", async () => {
  const net = await pair();
  const got = new Promise((resolve) => {
    net.b.openUdp(53, (...datagram) => resolve(datagram));
  });
  const socket = net.a.openUdp(1000, () => undefined);
  assert.ok(socket.send(ADDRESS.b, 53, new Uint8Array([1, 2, 3])));
  assert.deepEqual(await net.clock.until(got), [ADDRESS.a, 1000, new Uint8Array([1, 2, 3])]);
  assert.throws(() => net.a.openUdp(1000, () => undefined), NetworkError);
  socket.close();
  assert.equal(socket.send(ADDRESS.b, 53, new Uint8Array(1)), false);
  net.a.openUdp(1000, () => undefined).close();
});

test('destroying a stack ends everything with "off", and its timers', async () => {
  const net = await pair();
  const { stream } = await connected(net);
  net.plugged = false;
  const pending = [
    net.a.connect(ADDRESS.b, PORT),
    net.a.ping(ADDRESS.b),
    stream.readable.getReader().read(),
    sendAll(stream, pattern(MB)),
  ];
  net.a.destroy();
  for (const one of await Promise.allSettled(pending))
    assert.ok(one.status === "rejected" && problem("off")(one.reason));
  await assert.rejects(net.a.connect(ADDRESS.b, PORT), problem("off"));
  await assert.rejects(net.a.ping(ADDRESS.b), problem("off"));
  net.a.receive(pattern(60));
  net.b.destroy();
  assert.equal(net.clock.pending, 0);
});
