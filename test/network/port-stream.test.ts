import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ByteStream } from "../../src/network/byte-stream.js";
import { NetworkError } from "../../src/network/errors.js";
import {
  openByteStream,
  type PortByteStream,
  receiveStream,
  sendStream,
  serveByteStream,
} from "../../src/network/port-stream.js";
import { failsWith, pattern } from "./clients.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** Both ends of a stream, as the page and the worker have them. */
function pair(): [PortByteStream, PortByteStream] {
  const { port1, port2 } = new MessageChannel();
  return [openByteStream(port1), openByteStream(port2)];
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

/** Lets messages arrive. */
function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
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
    await later();
    assert(written <= 256 * 1024, `${written} bytes went into a stream that nobody reads`);
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
    await later();
    await worker.readable.cancel(new NetworkError("reset"));
    await failing;
    page.fail(new NetworkError("off"));
  });

  it("lets a writer who waits for credit give up", async () => {
    const [page, worker] = pair();
    const writer = page.writable.getWriter();
    const writing = writer.write(new Uint8Array(1 << 20));
    writing.catch(() => undefined);
    await later();
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
    await later();
    page.fail(new NetworkError("off"));
    await failing;
    await writing.catch(() => undefined);
    await failsWith(writer.closed, "off");
  });

  it("fails when the other port is closed, where the browser tells", async () => {
    const [port1, port2] = ports();
    const page = openByteStream(port1);
    const failing = failsWith(all(page.readable), "off");
    port2.close();
    await failing;
  });
});

describe("A stream sent one way", () => {
  it("arrives, and its end with it", async () => {
    const [from, to] = ports();
    const { readable } = receiveStream(to);
    const sending = sendStream(from, new Blob([pattern(2_000_000)]).stream());
    assert.deepEqual(await all(readable), pattern(2_000_000));
    await sending;
  });

  it("fails at both ends when its source fails, or its reader cancels", async () => {
    let [from, to] = ports();
    const reason = new NetworkError("timeout");
    const broken = new ReadableStream<Bytes>({ start: (controller) => controller.error(reason) });
    const received = all(receiveStream(to).readable);
    await Promise.all([
      failsWith(received, "timeout"),
      failsWith(sendStream(from, broken), "timeout"),
    ]);
    [from, to] = ports();
    let cancelled: unknown;
    const endless = new ReadableStream<Bytes>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: (reason) => void (cancelled = reason),
    });
    const sending = failsWith(sendStream(from, endless), "reset");
    await receiveStream(to).readable.cancel(new NetworkError("reset"));
    await sending;
    assert(cancelled instanceof NetworkError);
  });

  it("stops when the sender's signal says so", async () => {
    const [from, to] = ports();
    const giveUp = new AbortController();
    const received = all(receiveStream(to).readable);
    const sending = sendStream(from, new ReadableStream<Bytes>(), giveUp.signal);
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
    const service = serveByteStream(from, echo());
    const page = openByteStream(to);
    const read = all(page.readable);
    await writeAll(page.writable, pattern(1_000_000), 10_000);
    assert.deepEqual(await read, pattern(1_000_000));
    await service.finished;
  });

  it("is cut when the page gives up, though the router takes nothing any more", async () => {
    const [from, to] = ports();
    let cut: unknown;
    const stuck: ByteStream = {
      readable: new ReadableStream({ cancel: (reason) => void (cut = reason) }),
      writable: new WritableStream({ write: () => new Promise(() => undefined) }),
    };
    const service = serveByteStream(from, stuck);
    const page = openByteStream(to);
    const writer = page.writable.getWriter();
    writer.write(new Uint8Array(2 << 20)).catch(() => undefined);
    await later();
    writer.abort(new NetworkError("timeout")).catch(() => undefined);
    await service.finished;
    assert(cut instanceof NetworkError && cut.problem === "timeout");
  });

  it("fails in the page when the connection is lost, or its server fails it", async () => {
    let [from, to] = ports();
    const lost: ByteStream = {
      readable: new ReadableStream({
        start: (controller) => controller.error(new NetworkError("reset")),
      }),
      writable: new WritableStream(),
    };
    serveByteStream(from, lost);
    await failsWith(all(openByteStream(to).readable), "reset");
    [from, to] = ports();
    const service = serveByteStream(from, echo());
    const page = openByteStream(to);
    service.fail(new NetworkError("off"));
    await failsWith(all(page.readable), "off");
    await failsWith(page.writable.getWriter().closed, "off");
  });
});
