import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { quiet, until } from "../common/turns.js";
import { VirtualClock } from "../common/virtual-clock.js";
import type { Bytes } from "../../src/common/bytes.js";
import type { HttpRequest } from "../../src/network/http-message.js";
import { failsWith, pattern, TestClient, text } from "./clients.js";
import { httpServer, rawServer, saying } from "./servers.js";

describe("The HTTP client says what went wrong", () => {
  it("when nothing listens", async () => {
    const { port } = await httpServer(() => undefined).then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    await using client = new TestClient();
    await failsWith(client.send(port), "refused");
  });

  it("when the machine is off", async () => {
    await using client = new TestClient();
    client.client.destroy();
    await failsWith(client.send(80), "off");
  });

  it("when the machine goes off at any moment", async () => {
    let heard = 0;
    await using server = await httpServer((request, response) => {
      heard++;
      if (request.url === "/body") response.write("begin");
    });
    await using client = new TestClient({ connectionsPerPort: 2 });
    const response = await client.send(server.port, { target: "/body" });
    const body = text(response);
    const header = client.send(server.port);
    const queued = client.send(server.port);
    for (const each of [body, header, queued]) each.catch(() => undefined);
    await until(() => heard === 2);
    client.client.destroy();
    for (const each of [body, header, queued]) await failsWith(each, "off");
  });

  it("when it is not HTTP", async () => {
    for (const answer of [
      "SSH-2.0-dropbear\r\n",
      "\x16\x03\x01\x02\x00",
      "<html>\n",
      "HTTP/1.1 abc\r\n\r\n",
    ]) {
      await using server = await saying(answer);
      await using client = new TestClient();
      await failsWith(client.send(server.port), "protocol", /not valid HTTP/);
      await client.sockets.allClosed();
    }
  });

  it("when the header is a megabyte", async () => {
    await using server = await saying(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(1 << 20)}\r\n\r\n`);
    await using client = new TestClient();
    await failsWith(client.send(server.port), "protocol", /256 KiB/);
    await client.sockets.allClosed();
  });

  it("when the server wants another protocol", async () => {
    await using server = await saying(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    );
    await using client = new TestClient();
    await failsWith(client.send(server.port), "protocol", /another protocol/);
  });

  it("when a body is cut short", async () => {
    for (const answer of [
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12345",
    ]) {
      await using server = await saying(answer, (socket) => socket.end());
      await using client = new TestClient();
      const response = await client.send(server.port);
      await failsWith(text(response), "reset", /middle of the answer/);
      await client.sockets.allClosed();
    }
  });

  it("when a chunk has a bad size", async () => {
    await using server = await saying(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n",
    );
    await using client = new TestClient();
    const answer = client.send(server.port).then(text);
    await failsWith(answer, "protocol", /chunk size/);
  });

  it("when the connection is reset in the middle of a body", async () => {
    let reset: () => void = () => undefined;
    await using server = await saying(
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
      (socket) => (reset = () => socket.resetAndDestroy()),
    );
    await using client = new TestClient();
    const body = text(await client.send(server.port));
    reset();
    await failsWith(body, "reset");
  });

  it("when no answer comes in time", async () => {
    let heard = false;
    await using server = await rawServer((socket) => socket.on("data", () => (heard = true)));
    const clock = new VirtualClock();
    await using client = new TestClient({ clock, headerTimeout: 1000 });
    const failing = failsWith(client.send(server.port), "timeout", /did not answer.* for 1 s/);
    await until(() => heard);
    await quiet();
    await clock.until(failing);
    assert.equal(clock.now(), 1000);
    await client.sockets.allClosed();
  });

  it("when the server takes nothing of a body", async () => {
    await using server = await rawServer((socket) => socket.pause());
    const clock = new VirtualClock();
    await using client = new TestClient({ clock, headerTimeout: 1000 });
    const body = new Uint8Array(32 << 20);
    const sending = client.send(server.port, { method: "PUT", body });
    const failing = failsWith(sending, "timeout", /none of the request/);
    await until(() => client.sockets.connected === 1);
    await quiet();
    await clock.until(failing);
    await client.sockets.allClosed();
  });

  it("when a body stops", async () => {
    await using server = await saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    const clock = new VirtualClock();
    await using client = new TestClient({ clock, bodyTimeout: 30_000 });
    const body = text(await client.send(server.port));
    await clock.until(failsWith(body, "timeout", /nothing more.* for 30 s/));
    assert.equal(clock.now(), 30_000);
    await client.sockets.allClosed();
  });

  it("when no connection comes in time", async () => {
    const clock = new VirtualClock();
    const never = () => new Promise<never>(() => undefined);
    await using stuck = new TestClient({ clock, headerTimeout: 30_000 }, never);
    await clock.until(failsWith(stuck.send(80), "timeout", /no connection within 30 s/));
  });
});

describe("The HTTP client can be told to stop", () => {
  it("before it begins", async () => {
    await using client = new TestClient();
    await assert.rejects(client.send(1, {}, AbortSignal.abort()), { name: "AbortError" });
    assert.equal(client.sockets.connected, 0);
  });

  it("while it connects", async () => {
    const giveUp = new AbortController();
    await using client = new TestClient({}, (_, signal) => {
      giveUp.abort();
      return new Promise((_, reject) =>
        signal.aborted ? reject(signal.reason as Error) : undefined,
      );
    });
    await assert.rejects(client.send(80, {}, giveUp.signal), { name: "AbortError" });
  });

  it("while it waits for the answer, in its body, and while it sends", async () => {
    let heard = 0;
    await using server = await rawServer((socket) => {
      socket.once("data", (data) => {
        heard++;
        if (data.includes("GET /body"))
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1");
        if (data.includes("PUT")) socket.pause();
      });
    });
    await using client = new TestClient();
    const stops = async (request: Partial<HttpRequest>, hears = true) => {
      const giveUp = new AbortController();
      const before = heard;
      const sending = client.send(server.port, request, giveUp.signal).then(text);
      const stopped = assert.rejects(sending, { name: "AbortError" });
      await until(() => !hears || heard > before);
      await quiet();
      giveUp.abort();
      await stopped;
    };
    await stops({});
    await stops({ target: "/body" });
    await stops({ method: "PUT", body: new Uint8Array(32 << 20) });
    // Its beginning is read before anything is sent.
    await stops({ method: "PUT", body: new ReadableStream<Bytes>() }, false);
    await client.sockets.allClosed();
  });

  it("with a reason of the caller's", async () => {
    const reason = new Error("changed my mind");
    const giveUp = new AbortController();
    await using server = await rawServer((socket) => {
      socket.on("data", () => giveUp.abort(reason));
    });
    await using client = new TestClient();
    await assert.rejects(client.send(server.port, {}, giveUp.signal), (error) => error === reason);
  });

  it("by cancelling a body that has no end, of which it holds little", async () => {
    let sent = 0;
    await using server = await httpServer((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(new Uint8Array(65536))) sent += 65536;
      };
      response.on("drain", more);
      more();
    });
    await using client = new TestClient();
    const { body } = await client.send(server.port);
    const reader = body!.getReader();
    await reader.read();
    let before = -1;
    while (before !== sent) {
      before = sent;
      await quiet();
    }
    // What the kernel's socket buffers of both ends hold, and our read-ahead.
    assert(sent < 16 << 20, `${sent} bytes were taken without a reader`);
    await reader.cancel();
    await client.sockets.allClosed();
  });

  it("by a request body that fails, with its error", async () => {
    let heard = false;
    await using server = await rawServer((socket) => socket.on("data", () => (heard = true)));
    await using client = new TestClient({ bufferBytes: 0 });
    const reason = new Error("the disk failed");
    const body = new ReadableStream<Bytes>({
      start: (controller) => controller.enqueue(pattern(10)),
      pull: async (controller) => {
        await until(() => heard);
        controller.error(reason);
      },
    });
    const sending = client.send(server.port, { method: "POST", body });
    await assert.rejects(sending, (error) => error === reason);
    await client.sockets.allClosed();
  });
});
