import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type BytePortOptions,
  openByteStream,
  type PortByteStream,
  receiveStream,
  sendStream,
  serveByteStream,
} from "../../src/common/byte-port.js";
import type { ByteStream } from "../../src/common/byte-stream.js";
import type { Bytes } from "../../src/common/bytes.js";
import { NetworkError } from "../../src/network/errors.js";
import { NETWORK_PORT } from "../../src/network/failure.js";
import { failsWith, pattern } from "../network/clients.js";
import { quiet, until } from "./turns.js";

/** The credit that both ends begin with. */
const WINDOW_BYTES = 256 * 1024;

/** Both ends of a stream, as the page and the worker have them. */
function pair(): [PortByteStream, PortByteStream] {
  const { port1, port2 } = new MessageChannel();
  return [openByteStream(port1, NETWORK_PORT), openByteStream(port2, NETWORK_PORT)];
}

function ports(): [MessagePort, MessagePort] {
  const { port1, port2 } = new MessageChannel();
  return [port1, port2];
}

async function all(readable: ReadableStream<Bytes>): Promise<Bytes> {
  return new Uint8Array(await new Response(readable).arrayBuffer());
}

async function writeAll(
  writable: WritableStream<Bytes>,
  bytes: Bytes,
  step: number,
): Promise<void> {
  const writer = writable.getWriter();
  for (let at = 0; at < bytes.length; at += step) await writer.write(bytes.subarray(at, at + step));
  await writer.close();
}

describe("A stream over a port", () => {
  it("carries bytes both ways at once, exactly, in pieces of any size", async () => {
    for (const [size, step] of [
      [0, 1],
      [1, 1],
      [1000, 7],
      [300_000, 65_537],
      [5_000_000, 3_000_000],
    ] as const) {
      const [page, worker] = pair();
      const [there, back] = await Promise.all([
        all(worker.readable),
        all(page.readable),
        writeAll(page.writable, pattern(size), step),
        writeAll(worker.writable, pattern(size + 1), step),
      ]);
      assert.deepEqual(there, pattern(size));
      assert.deepEqual(back, pattern(size + 1));
    }
  });

  it("leaves the writer its bytes", async () => {
    const [page, worker] = pair();
    const bytes = pattern(100);
    const read = all(worker.readable);
    await writeAll(page.writable, bytes, 100);
    assert.deepEqual(await read, bytes);
    assert.equal(bytes.buffer.byteLength, 100);
    page.fail(new NetworkError("off"));
  });

  it("can be closed one way and used the other", async () => {
    const [page, worker] = pair();
    await page.writable.close();
    assert.equal((await all(worker.readable)).length, 0);
    const read = all(page.readable);
    await writeAll(worker.writable, pattern(1000), 10);
    assert.deepEqual(await read, pattern(1000));
  });

  it("holds the writer back while nobody reads, and goes on when somebody does", async () => {
    const [page, worker] = pair();
    let written = 0;
    const writer = page.writable.getWriter();
    const writing = (async () => {
      for (; written < 4 << 20; written += 10_000) await writer.write(new Uint8Array(10_000));
      await writer.close();
    })();
    await quiet();
    assert.equal(written, 260_000, "whole writes that fit into the window");
    assert.equal((await all(worker.readable)).length, written);
    await writing;
    page.fail(new NetworkError("off"));
  });

  it("carries a writer's error across, with its problem", async () => {
    const [page, worker] = pair();
    const reading = all(page.readable);
    await worker.writable.abort(new NetworkError("refused", "port 81"));
    await assert.rejects(reading, (error) => {
      assert(error instanceof NetworkError);
      assert.deepEqual([error.problem, error.detail], ["refused", "port 81"]);
      return true;
    });
    page.fail(new NetworkError("off"));
  });

  it("carries a reader's refusal across, also to a writer who waits", async () => {
    const [page, worker] = pair();
    const writer = page.writable.getWriter();
    const writing = (async () => {
      for (;;) await writer.write(new Uint8Array(100_000));
    })();
    const failing = failsWith(writing, "reset");
    await quiet();
    await worker.readable.cancel(new NetworkError("reset"));
    await failing;
    page.fail(new NetworkError("off"));
  });

  it("lets a writer who waits for credit give up", async () => {
    const [page, worker] = pair();
    const writer = page.writable.getWriter();
    const writing = writer.write(new Uint8Array(1 << 20));
    writing.catch(() => undefined);
    await quiet();
    await writer.abort(new DOMException("enough", "AbortError"));
    await assert.rejects(all(worker.readable), { name: "AbortError", message: "enough" });
    page.fail(new NetworkError("off"));
  });

  it("fails as a whole when its owner knows that the other end is gone", async () => {
    const [page] = pair();
    const reading = all(page.readable);
    const writer = page.writable.getWriter();
    const writing = writer.write(new Uint8Array(1 << 20));
    const failing = failsWith(reading, "off");
    await quiet();
    page.fail(new NetworkError("off"));
    await failing;
    await writing.catch(() => undefined);
    await failsWith(writer.closed, "off");
  });

  it("tells the other end of its failure, if there still is one", async () => {
    const [page, worker] = pair();
    const writer = worker.writable.getWriter();
    page.fail(new NetworkError("timeout"));
    await Promise.all([
      failsWith(all(worker.readable), "timeout"),
      failsWith(writer.closed, "timeout"),
      worker.closed,
      page.closed,
    ]);
  });

  it("takes Node's buffers, which share their memory, and leaves it alone", async () => {
    const [page, worker] = pair();
    const read = all(worker.readable);
    const pooled = Buffer.from("out of the pool") as Bytes;
    await writeAll(page.writable, pooled, 100);
    assert.equal(Buffer.from(await read).toString(), "out of the pool");
    assert.equal(Buffer.from(pooled).toString(), "out of the pool");
    page.fail(new NetworkError("off"));
  });

  it("fails when the other port is closed, where the browser tells", async () => {
    const [port1, port2] = ports();
    const page = openByteStream(port1, NETWORK_PORT);
    const failing = failsWith(all(page.readable), "off");
    port2.close();
    await failing;
  });
});

describe("A stream sent one way", () => {
  it("arrives, and its end with it", async () => {
    const [from, to] = ports();
    const { readable } = receiveStream(to, NETWORK_PORT);
    const sending = sendStream(from, new Blob([pattern(2_000_000)]).stream(), NETWORK_PORT);
    assert.deepEqual(await all(readable), pattern(2_000_000));
    await sending;
  });

  it("fails at both ends when its source fails, or its reader cancels", async () => {
    let [from, to] = ports();
    const reason = new NetworkError("timeout");
    const broken = new ReadableStream<Bytes>({ start: (controller) => controller.error(reason) });
    const received = all(receiveStream(to, NETWORK_PORT).readable);
    await Promise.all([
      failsWith(received, "timeout"),
      failsWith(sendStream(from, broken, NETWORK_PORT), "timeout"),
    ]);
    [from, to] = ports();
    let cancelled: unknown;
    const endless = new ReadableStream<Bytes>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: (reason) => void (cancelled = reason),
    });
    const sending = failsWith(sendStream(from, endless, NETWORK_PORT), "reset");
    await receiveStream(to, NETWORK_PORT).readable.cancel(new NetworkError("reset"));
    await sending;
    assert(cancelled instanceof NetworkError);
  });

  it("stops when the sender's signal says so", async () => {
    const [from, to] = ports();
    const giveUp = new AbortController();
    const received = all(receiveStream(to, NETWORK_PORT).readable);
    const sending = sendStream(from, new ReadableStream<Bytes>(), {
      ...NETWORK_PORT,
      signal: giveUp.signal,
    });
    giveUp.abort(new NetworkError("off"));
    await Promise.all([failsWith(received, "off"), failsWith(sending, "off")]);
  });
});

describe("A connection served over a port", () => {
  /** A connection to something that sends back what it gets, and never takes more than one piece at a time. */
  function echo(): ByteStream & { cut?: unknown } {
    return new TransformStream<Bytes, Bytes>();
  }

  it("works as if it were here", async () => {
    const [from, to] = ports();
    const service = serveByteStream(from, echo(), NETWORK_PORT);
    const page = openByteStream(to, NETWORK_PORT);
    const read = all(page.readable);
    await writeAll(page.writable, pattern(1_000_000), 10_000);
    assert.deepEqual(await read, pattern(1_000_000));
    await service;
  });

  it("is cut when the page gives up, though the router takes nothing any more", async () => {
    const [from, to] = ports();
    let cut: unknown;
    const stuck: ByteStream = {
      readable: new ReadableStream({ cancel: (reason) => void (cut = reason) }),
      writable: new WritableStream({ write: () => new Promise(() => undefined) }),
    };
    const service = serveByteStream(from, stuck, NETWORK_PORT);
    const page = openByteStream(to, NETWORK_PORT);
    const writer = page.writable.getWriter();
    writer.write(new Uint8Array(2 << 20)).catch(() => undefined);
    await quiet();
    writer.abort(new NetworkError("timeout")).catch(() => undefined);
    await service;
    assert(cut instanceof NetworkError && cut.problem === "timeout");
  });

  it("fails in the page when the connection is lost, or its server cuts it", async () => {
    let [from, to] = ports();
    const lost: ByteStream = {
      readable: new ReadableStream({
        start: (controller) => controller.error(new NetworkError("reset")),
      }),
      writable: new WritableStream(),
    };
    const ended = serveByteStream(from, lost, NETWORK_PORT);
    await failsWith(all(openByteStream(to, NETWORK_PORT).readable), "reset");
    await ended;
    [from, to] = ports();
    const off = new AbortController();
    const service = serveByteStream(from, echo(), { ...NETWORK_PORT, signal: off.signal });
    const page = openByteStream(to, NETWORK_PORT);
    off.abort(new NetworkError("off"));
    await service;
    await failsWith(all(page.readable), "off");
    await failsWith(page.writable.getWriter().closed, "off");
  });
});

describe("A stream from an end that is not trusted", () => {
  const options: BytePortOptions = { lost: () => new NetworkError("reset", "nonsense") };

  /** A stream, and the port of whoever is up to no good at its other end. */
  function hostile(): { stream: PortByteStream; port: MessagePort; heard: unknown[] } {
    const [mine, port] = ports();
    const heard: unknown[] = [];
    port.onmessage = ({ data }: MessageEvent<{ type: string }>) => heard.push(data.type);
    return { stream: openByteStream(mine, options), port, heard };
  }

  const data = (bytes: unknown) => ({ type: "data", bytes });
  const NONSENSE: [string, unknown][] = [
    ["nothing", null],
    ["a text", "data"],
    ["a number", 1],
    ["no type", {}],
    ["another type", { type: "constructor" }],
    ["a text as bytes", data("bytes")],
    ["an array as bytes", data([1, 2, 3])],
    ["a buffer as bytes", data(new ArrayBuffer(8))],
    ["other numbers as bytes", data(new Uint16Array(8))],
    ["no bytes", data(new Uint8Array())],
    ["a window on more than is said", data(new Uint8Array(1000).subarray(0, 1))],
    ["memory that others can change", data(new Uint8Array(new SharedArrayBuffer(8)))],
    ["more than there is credit for", data(new Uint8Array(WINDOW_BYTES + 1))],
    ["no credit", { type: "credit", bytes: 0 }],
    ["less than no credit", { type: "credit", bytes: -1 }],
    ["half a byte of credit", { type: "credit", bytes: 0.5 }],
    ["a text as credit", { type: "credit", bytes: "1" }],
    ["endless credit", { type: "credit", bytes: Infinity }],
    ["more credit than the window", { type: "credit", bytes: 1 }],
  ];

  for (const [what, message] of NONSENSE)
    it(`breaks at ${what}, both ways, and tells it`, async () => {
      const { stream, port, heard } = hostile();
      const writer = stream.writable.getWriter();
      port.postMessage(message);
      await Promise.all([
        failsWith(all(stream.readable), "reset", /nonsense/),
        failsWith(writer.closed, "reset", /nonsense/),
        stream.closed,
      ]);
      await until(() => heard.length === 2);
      assert.deepEqual(heard, ["cancel", "abort"]);
      port.postMessage(data(new Uint8Array(1)));
      await quiet();
    });

  it("holds no more than its window, in whatever pieces that comes", async () => {
    const { stream, port } = hostile();
    for (let piece = 0; piece < 5; piece++)
      port.postMessage(data(new Uint8Array(WINDOW_BYTES / 4)));
    await stream.closed;
    await failsWith(stream.readable.getReader().read(), "reset");
  });

  it("has an error for every failure that is claimed", async () => {
    for (const failure of [undefined, null, 1, {}, { name: 1, message: [] }]) {
      const { stream, port } = hostile();
      const writer = stream.writable.getWriter();
      port.postMessage({ type: "abort", failure });
      port.postMessage({ type: "cancel", failure });
      await assert.rejects(all(stream.readable), Error);
      await assert.rejects(writer.closed, Error);
      await stream.closed;
      port.close();
    }
  });

  it("gives out bytes within its credit and nothing else, whatever comes in whatever order", async () => {
    const anything = fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .integer({ min: 1, max: 40_000 })
          .map((length) => data(new Uint8Array(length))),
      },
      fc.constantFrom(...NONSENSE.map(([, message]) => message)),
      fc.constantFrom({ type: "end" }, { type: "cancel" }, { type: "abort" }),
      fc.constantFrom("read" as const, "write" as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 40 }), async (script) => {
        const { stream, port } = hostile();
        const reader = stream.readable.getReader();
        const writer = stream.writable.getWriter();
        let [sent, read] = [0, 0];
        const done = (result: ReadableStreamReadResult<Bytes>) => {
          if (result.value) assert(result.value instanceof Uint8Array);
          read += result.value?.length ?? 0;
        };
        for (const step of script) {
          if (step === "read") reader.read().then(done, () => undefined);
          else if (step === "write") writer.write(new Uint8Array(10)).catch(() => undefined);
          else {
            port.postMessage(step);
            const { bytes } = (step ?? {}) as { bytes?: unknown };
            if (bytes instanceof Uint8Array) sent += bytes.length;
          }
        }
        await new Promise((resolve) => setImmediate(resolve));
        stream.fail(new Error("over"));
        await stream.closed;
        assert(read <= sent);
        writer.closed.catch(() => undefined);
        reader.closed.catch(() => undefined);
        port.close();
      }),
      { numRuns: 300 },
    );
  });
});
