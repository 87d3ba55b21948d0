import { strict as assert } from "node:assert";
import { once } from "node:events";
import { describe, it } from "node:test";
import { failsWith, bytes, header, pattern, TestClient, text } from "./clients.js";
import { httpServer, rawServer, saying } from "./servers.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("The HTTP client gets answers", () => {
  it("of every size exactly", async () => {
    await using server = await httpServer((request, response) => {
      const size = Number(request.url?.slice(1));
      response.setHeader("Content-Length", size);
      response.end(pattern(size));
    });
    await using client = new TestClient();
    for (const size of [
      0,
      1,
      2,
      1459,
      1460,
      1461,
      16384,
      65535,
      65536,
      65537,
      1_000_000,
      1 << 20,
    ]) {
      const response = await client.send(server.port, { target: `/${size}` });
      assert.deepEqual(await bytes(response), new Uint8Array(pattern(size)));
    }
    assert.equal(server.connections(), 1);
  });

  it("in chunks", async () => {
    await using server = await httpServer((_, response) => {
      for (let at = 0; at < 300_000; at += 1000)
        response.write(pattern(300_000).subarray(at, at + 1000));
      response.end();
    });
    await using client = new TestClient();
    const response = await client.send(server.port);
    assert.equal(header(response, "transfer-encoding"), "chunked");
    assert.deepEqual(await bytes(response), pattern(300_000));
    assert.equal(await client.text(server.port).then((all) => all.length > 0), true);
    assert.equal(server.connections(), 1);
  });

  it("that end with their connection", async () => {
    await using server = await saying("HTTP/1.0 200 OK\r\n\r\nall there is", (socket) =>
      socket.end(),
    );
    await using client = new TestClient();
    assert.equal(await client.text(server.port), "all there is");
    assert.equal(await client.text(server.port), "all there is");
    assert.equal(server.connections(), 2);
  });

  it("without a body to HEAD, and with 204 and 304", async () => {
    await using server = await httpServer((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      if (request.method === "HEAD") response.setHeader("Content-Length", 500);
      response.end();
    });
    await using client = new TestClient();
    const head = await client.send(server.port, { method: "HEAD", target: "/200" });
    assert.deepEqual([head.status, header(head, "content-length"), head.body], [200, "500", null]);
    for (const status of [204, 304]) {
      const response = await client.send(server.port, { target: `/${status}` });
      assert.deepEqual([response.status, response.body], [status, null]);
    }
    assert.equal((await client.send(server.port, { target: "/200" })).body !== null, true);
    assert.equal(server.connections(), 1);
  });

  it("after interim ones", async () => {
    await using server = await saying(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Early: 1\r\n\r\n${OK}`,
    );
    await using client = new TestClient();
    const response = await client.send(server.port);
    assert.deepEqual(response.headers, [["Content-Length", "2"]]);
    assert.equal(await text(response), "ok");
  });

  it("with header fields as they were sent, and repeated ones apart", async () => {
    await using server = await saying(
      "HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Latin: \xe9\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
    );
    await using client = new TestClient();
    const { status, statusText, headers } = await client.send(server.port);
    assert.deepEqual([status, statusText], [200, "Fine"]);
    assert.deepEqual(headers.slice(0, 2), [
      ["Set-Cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    assert.deepEqual(headers.at(-2), ["X-Empty", ""]);
  });

  it("from 1,000 requests in a row over one connection", async () => {
    await using server = await httpServer((request, response) =>
      response.end(`you asked ${request.url}`),
    );
    await using client = new TestClient();
    for (let n = 0; n < 1000; n++)
      assert.equal(await client.text(server.port, { target: `/${n}` }), `you asked /${n}`);
    assert.equal(server.connections(), 1);
  });

  it("from 200 requests at once, over six connections", async () => {
    await using server = await httpServer((request, response) => {
      const size = Number(request.url?.slice(1)) * 997;
      response.end(pattern(size));
    });
    await using client = new TestClient();
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const response = await client.send(server.port, { target: `/${n}` });
        assert.deepEqual(await bytes(response), pattern(n * 997));
      }),
    );
    assert.equal(server.connections(), 6);
  });
});

describe("The HTTP client sends", () => {
  it("what a web server needs to know", async () => {
    let seen: unknown;
    await using server = await httpServer((request, response) => {
      seen = [request.method, request.url, request.rawHeaders];
      response.end();
    });
    await using client = new TestClient({ host: () => "192.168.1.1" });
    const headers = [
      ["Cookie", "sysauth=1"],
      ["Host", "elsewhere"],
      ["Content-Length", "7"],
    ] as const;
    await client.text(server.port, { method: "DELETE", target: "/a?b=c", headers });
    assert.deepEqual(seen, [
      "DELETE",
      "/a?b=c",
      ["Host", `192.168.1.1:${server.port}`, "Cookie", "sysauth=1"],
    ]);
  });

  it("bodies of every size with their length", async () => {
    await using server = await httpServer((request, response) => {
      response.setHeader("X-Length", request.headers["content-length"] ?? "none");
      request.pipe(response);
    });
    await using client = new TestClient();
    for (const size of [0, 1, 65536, 65537, 1 << 20]) {
      const response = await client.send(server.port, { method: "POST", body: pattern(size) });
      assert.equal(header(response, "x-length"), String(size));
      assert.deepEqual(await bytes(response), pattern(size));
    }
    const none = await client.send(server.port, { method: "POST" });
    assert.equal(header(none, "x-length"), "0");
    assert.equal(server.connections(), 1);
  });

  it("short streams with their length, long ones in chunks", async () => {
    await using server = await httpServer((request, response) => {
      response.setHeader("X-Framing", request.headers["content-length"] ?? "chunked");
      request.pipe(response);
    });
    await using client = new TestClient({ bufferBytes: 100_000 });
    for (const [size, framing] of [
      [0, "0"],
      [100_000, "100000"],
      [100_001, "chunked"],
      [3_000_000, "chunked"],
    ] as const) {
      const body = new Blob([pattern(size)]).stream();
      const response = await client.send(server.port, { method: "POST", body });
      assert.equal(header(response, "x-framing"), framing);
      assert.deepEqual(await bytes(response), pattern(size));
    }
  });

  it("while it receives: an echo answers before the upload ends", async () => {
    await using server = await httpServer((request, response) => {
      response.flushHeaders();
      request.pipe(response);
    });
    await using client = new TestClient({ bufferBytes: 0 });
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
    const writer = writable.getWriter();
    const first = writer.write(pattern(10));
    const response = await client.send(server.port, { method: "POST", body: readable });
    await first;
    const reader = response.body!.getReader();
    assert.deepEqual((await reader.read()).value, pattern(10));
    for (let n = 11; n < 30; n++) {
      await writer.write(pattern(n));
      assert.deepEqual((await reader.read()).value, pattern(n));
    }
    await writer.close();
    assert.equal((await reader.read()).done, true);
    assert.equal(await client.text(server.port, { method: "POST", body: pattern(0) }), "");
    assert.equal(server.connections(), 1);
  });

  it("no request that would not be HTTP", async () => {
    await using client = new TestClient();
    const bad = [
      { method: "GET /" },
      { target: "no-slash" },
      { target: "/a b" },
      { target: "/\r\nX: y" },
      { headers: [["X", "a\r\nY: b"]] },
      { headers: [["X Y", "a"]] },
      { headers: [["X", "\u0100"]] },
    ] as const;
    for (const request of bad) await assert.rejects(client.send(1, request), TypeError);
    assert.equal(client.sockets.connected, 0);
  });

  it("no stream of something else than bytes", async () => {
    await using server = await rawServer((socket) => socket.resume());
    await using client = new TestClient({ bufferBytes: 2 });
    for (const pieces of [["text"], [pattern(9), "text"]]) {
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (controller) => {
          for (const piece of pieces) controller.enqueue(piece as Uint8Array<ArrayBuffer>);
        },
      });
      await assert.rejects(client.send(server.port, { method: "POST", body }), /stream of bytes/);
    }
    await client.sockets.allClosed();
  });

  it("the rest of nothing when the server answers early and closes", async () => {
    await using server = await rawServer((socket) => {
      socket.once("data", () =>
        socket.end("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig"),
      );
    });
    await using client = new TestClient({ bufferBytes: 0 });
    let cancelled: () => void;
    const wasCancelled = new Promise<void>((resolve) => (cancelled = resolve));
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: () => cancelled(),
    });
    const response = await client.send(server.port, { method: "POST", body });
    assert.equal(response.status, 413);
    assert.equal(await text(response), "big");
    await wasCancelled;
  });
});

describe("The HTTP client keeps connections", () => {
  it("but not those the server will close", async () => {
    await using server = await httpServer((_, response) => {
      response.setHeader("Connection", "close");
      response.end("x");
    });
    await using client = new TestClient();
    for (let n = 0; n < 5; n++) await client.text(server.port);
    assert.equal(server.connections(), 5);
  });

  it("and notices when the server closes an idle one", async () => {
    await using server = await saying(OK, (socket) => void setTimeout(() => socket.end(), 10));
    await using client = new TestClient();
    assert.equal(await client.text(server.port), "ok");
    await client.sockets.allClosed();
    assert.equal(await client.text(server.port, { method: "POST" }), "ok");
    assert.equal(server.connections(), 2);
  });

  it("and closes them when nobody uses them", async () => {
    await using server = await httpServer((_, response) => response.end("x"));
    await using client = new TestClient({ idleTimeout: 10 });
    await client.text(server.port);
    await client.sockets.allClosed();
  });

  it("no longer than the server says", async () => {
    await using server = await saying(
      "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n",
    );
    await using client = new TestClient();
    for (let n = 0; n < 3; n++) await client.text(server.port);
    assert.equal(server.connections(), 3);
  });

  it("and repeats what a dying one swallowed, if it may be repeated", async () => {
    let requests = 0;
    await using server = await rawServer((socket) => {
      let first = true;
      socket.on("data", () => {
        requests++;
        if (first) socket.write(OK);
        else socket.destroy();
        first = false;
      });
    });
    await using client = new TestClient();
    assert.equal(await client.text(server.port), "ok");
    assert.equal(await client.text(server.port), "ok");
    assert.deepEqual([requests, server.connections()], [3, 2]);
    await failsWith(client.text(server.port, { method: "POST" }), "reset");
    assert.equal(requests, 4);
  });

  it("and does not repeat on a new connection", async () => {
    await using server = await rawServer((socket) => socket.once("data", () => socket.end()));
    await using client = new TestClient();
    await failsWith(client.text(server.port), "reset", /before an answer came/);
    assert.equal(server.connections(), 1);
  });

  it("only clean ones: bytes after an answer end it", async () => {
    await using server = await saying(`${OK}HTTP/1.1 200 OK\r\n`);
    await using client = new TestClient();
    assert.equal(await client.text(server.port), "ok");
    assert.equal(await client.text(server.port), "ok");
    assert.equal(server.connections(), 2);
  });

  it("at most so many, and serves the others in turn", async () => {
    let [now, most] = [0, 0];
    await using server = await httpServer((_, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        response.setHeader("Connection", "close");
        response.end("x");
      }, 2);
    });
    await using client = new TestClient({ connectionsPerPort: 2 });
    await Promise.all(Array.from({ length: 30 }, () => client.text(server.port)));
    assert(most <= 2, `${most} at once`);
    assert.equal(server.connections(), 30);
  });

  it("free for others while a request that was given up leaves the line", async () => {
    await using server = await httpServer((request, response) => {
      if (request.url === "/slow") response.write("begin");
      else response.end("x");
    });
    await using client = new TestClient({ connectionsPerPort: 1 });
    const slow = await client.send(server.port, { target: "/slow" });
    const giveUp = new AbortController();
    const waiting = client.send(server.port, {}, giveUp.signal);
    const patient = client.text(server.port);
    giveUp.abort();
    await assert.rejects(waiting, { name: "AbortError" });
    await slow.body!.cancel();
    assert.equal(await patient, "x");
  });
});

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
    await using server = await httpServer((request, response) => {
      if (request.url === "/body") response.write("begin");
    });
    await using client = new TestClient({ connectionsPerPort: 2 });
    const response = await client.send(server.port, { target: "/body" });
    const body = text(response);
    const header = client.send(server.port);
    const queued = client.send(server.port);
    for (const each of [body, header, queued]) each.catch(() => undefined);
    await once(process, "nothing", { signal: AbortSignal.timeout(20) }).catch(() => undefined);
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
    await using server = await rawServer((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", () =>
          setTimeout(() => socket.resetAndDestroy(), 20),
        );
      });
    });
    await using client = new TestClient();
    await failsWith(client.send(server.port).then(text), "reset");
  });

  it("when no answer comes in time", async () => {
    await using server = await rawServer(() => undefined);
    await using client = new TestClient({ headerTimeout: 1000 });
    await failsWith(client.send(server.port), "timeout", /did not answer/);
    await client.sockets.allClosed();
  });

  it("when the server takes nothing of a body", async () => {
    await using server = await rawServer((socket) => socket.pause());
    await using client = new TestClient({ headerTimeout: 1000 });
    const body = new Uint8Array(32 << 20);
    await failsWith(
      client.send(server.port, { method: "PUT", body }),
      "timeout",
      /none of the request/,
    );
    await client.sockets.allClosed();
  });

  it("when a body stops", async () => {
    await using server = await saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    await using client = new TestClient({ bodyTimeout: 30 });
    await failsWith(client.send(server.port).then(text), "timeout", /nothing more/);
    await client.sockets.allClosed();
  });

  it("when no connection comes in time", async () => {
    await using stuck = new TestClient({ headerTimeout: 30 }, () => new Promise(() => undefined));
    await failsWith(stuck.send(80), "timeout", /no connection/);
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
    await using server = await rawServer((socket) => {
      socket.once("data", (data) => {
        if (data.includes("GET /body"))
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1");
        if (data.includes("PUT")) socket.pause();
      });
    });
    await using client = new TestClient();
    const stop = (promise: Promise<unknown>, giveUp: AbortController) => {
      setTimeout(() => giveUp.abort(), 10);
      return assert.rejects(promise, { name: "AbortError" });
    };
    let giveUp = new AbortController();
    await stop(client.send(server.port, {}, giveUp.signal), giveUp);
    giveUp = new AbortController();
    await stop(client.send(server.port, { target: "/body" }, giveUp.signal).then(text), giveUp);
    giveUp = new AbortController();
    const body = new Uint8Array(32 << 20);
    await stop(client.send(server.port, { method: "PUT", body }, giveUp.signal), giveUp);
    giveUp = new AbortController();
    const silent = new ReadableStream<Uint8Array<ArrayBuffer>>();
    await stop(client.send(server.port, { method: "PUT", body: silent }, giveUp.signal), giveUp);
    await client.sockets.allClosed();
  });

  it("with a reason of the caller's", async () => {
    await using server = await rawServer(() => undefined);
    await using client = new TestClient();
    const reason = new Error("changed my mind");
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(reason), 10);
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
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // What the kernel's socket buffers of both ends hold, and our read-ahead.
    assert(sent < 16 << 20, `${sent} bytes were taken without a reader`);
    await reader.cancel();
    await client.sockets.allClosed();
  });

  it("by a request body that fails, with its error", async () => {
    await using server = await rawServer((socket) => socket.resume());
    await using client = new TestClient({ bufferBytes: 0 });
    const reason = new Error("the disk failed");
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        controller.enqueue(pattern(10));
        setTimeout(() => controller.error(reason), 10);
      },
    });
    const sending = client.send(server.port, { method: "POST", body });
    await assert.rejects(sending, (error) => error === reason);
    await client.sockets.allClosed();
  });
});
