import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { bytes, header, pattern, TestClient, text } from "./clients.js";
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
