import { strict as assert } from "node:assert";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { routerFetch } from "../../src/network/router-fetch.js";
import { failsWith, pattern, TestClient } from "./clients.js";
import { httpServer, type TestServer } from "./servers.js";

/** Says what it was asked, as JSON. */
async function mirror(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(pieces).toString() }));
}

interface Mirrored {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** A router whose paths `/STATUS/PATH` redirect to PATH, and all others mirror. */
function router(): Promise<TestServer> {
  return httpServer((request, response) => {
    const [, status, to] = /^\/(3\d\d)\/(.*)$/.exec(request.url ?? "") ?? [];
    if (status === undefined) return void mirror(request, response);
    response.writeHead(Number(status), { Location: decodeURIComponent(to ?? "") });
    response.end("moved");
  });
}

function fetcher(client: TestClient, server: TestServer) {
  const base = `http://127.0.0.1:${server.port}/`;
  return (input: RequestInfo | URL, init?: RequestInit) =>
    routerFetch(client.client.exchange, base, input, init);
}

async function mirrored(response: Promise<Response>): Promise<Mirrored> {
  return (await response).json() as Promise<Mirrored>;
}

describe("Fetching from the router", () => {
  it("takes relative addresses, any host, and ports", async () => {
    await using server = await router();
    await using client = new TestClient();
    const get = fetcher(client, server);
    const { port } = server;
    for (const [input, url] of [
      ["/cgi-bin/luci?a=b#c", "/cgi-bin/luci?a=b"],
      ["x", "/x"],
      [`http://openwrt.lan:${port}/y`, "/y"],
      [new URL(`http://192.168.1.1:${port}/z`), "/z"],
      [new Request(`http://[fd00::1]:${port}/r`), "/r"],
    ] as const) {
      assert.equal((await mirrored(get(input))).url, url);
    }
    const response = await get(`http://openwrt.lan:${port}/y#there`);
    assert.equal(response.url, `http://openwrt.lan:${port}/y`);
    assert.deepEqual([response.ok, response.redirected, response.type], [true, false, "basic"]);
  });

  it("refuses what is not plain HTTP, or not fetch", async () => {
    await using server = await router();
    await using client = new TestClient();
    const get = fetcher(client, server);
    await assert.rejects(get("https://192.168.1.1/"), /plain HTTP only: use "http:"/);
    await assert.rejects(get("http://root:secret@192.168.1.1/"), TypeError);
    await assert.rejects(get("http://["), TypeError);
    await assert.rejects(get("/", { method: "CONNECT" }), TypeError);
    await assert.rejects(get("/", { body: "x" }), TypeError);
    assert.equal(client.sockets.connected, 0);
  });

  it("sends every kind of body with its type and length", async () => {
    await using server = await router();
    await using client = new TestClient();
    const get = fetcher(client, server);
    const form = new FormData();
    form.set("a", "b");
    for (const [body, type, sent] of [
      ["text", "text/plain;charset=UTF-8", "text"],
      [
        new URLSearchParams({ a: "b c" }),
        "application/x-www-form-urlencoded;charset=UTF-8",
        "a=b+c",
      ],
      [new Blob(["blob"], { type: "x/y" }), "x/y", "blob"],
      [new TextEncoder().encode("bytes"), undefined, "bytes"],
      [new Blob(["stream"]).stream(), undefined, "stream"],
    ] as const) {
      const got = await mirrored(get("/", { method: "post", body }));
      assert.deepEqual(
        [got.method, got.headers["content-type"], got.headers["content-length"], got.body],
        ["POST", type, String(sent.length), sent],
      );
    }
    const got = await mirrored(get("/", { method: "POST", body: form }));
    assert.match(got.headers["content-type"] ?? "", /^multipart\/form-data; ?boundary=/);
    assert.match(got.body, /name="a"/);
    const url = `http://r:${server.port}/`;
    const headers = { "Content-Type": "application/json" };
    const request = new Request(url, { method: "PUT", body: "{}", headers });
    const put = await mirrored(get(request));
    assert.deepEqual(
      [put.method, put.headers["content-type"], put.body],
      ["PUT", headers["Content-Type"], "{}"],
    );
  });

  it("sends cookies it is given, and shows those it gets", async () => {
    await using server = await httpServer((request, response) => {
      response.setHeader("Set-Cookie", ["a=1; Path=/", "b=2"]);
      response.end(request.headers.cookie);
    });
    await using client = new TestClient();
    const response = await fetcher(client, server)("/", { headers: { Cookie: "sysauth=x" } });
    assert.deepEqual(response.headers.getSetCookie(), ["a=1; Path=/", "b=2"]);
    const clone = response.clone();
    assert.deepEqual([clone.url, clone.headers.getSetCookie().length], [response.url, 2]);
    assert.equal(await response.text(), "sysauth=x");
    assert.equal(await clone.text(), "sysauth=x");
  });

  it("follows redirects with fetch's methods and bodies", async () => {
    await using server = await router();
    await using client = new TestClient();
    const get = fetcher(client, server);
    for (const [status, method, after, body] of [
      [301, "POST", "GET", ""],
      [302, "POST", "GET", ""],
      [303, "POST", "GET", ""],
      [303, "PUT", "GET", ""],
      [302, "PUT", "PUT", "x"],
      [307, "POST", "POST", "x"],
      [308, "DELETE", "DELETE", "x"],
    ] as const) {
      const response = await get(`/${status}/%2Fthere`, { method, body: "x" });
      assert.equal(response.url, `http://127.0.0.1:${server.port}/there`);
      assert.equal(response.redirected, true);
      const got = (await response.json()) as Mirrored;
      assert.deepEqual([got.method, got.body], [after, body]);
      assert.equal("content-type" in got.headers, body !== "");
    }
    const head = await get("/303/%2Fthere", { method: "HEAD" });
    assert.deepEqual([head.status, head.body], [200, null]);
    const elsewhere = encodeURIComponent(`http://other.lan:${server.port}/a`);
    const headers = { Authorization: "secret" };
    const got = await mirrored(get(`/302/${elsewhere}`, { headers }));
    assert.deepEqual([got.url, got.headers["authorization"]], ["/a", undefined]);
  });

  it("leaves redirects to the caller, or refuses them, when told so", async () => {
    await using server = await router();
    await using client = new TestClient();
    const get = fetcher(client, server);
    const response = await get("/302/%2Fthere", { redirect: "manual" });
    assert.deepEqual([response.status, response.headers.get("location")], [302, "/there"]);
    assert.equal(await response.text(), "moved");
    await failsWith(get("/302/%2Fthere", { redirect: "error" }), "redirect");
  });

  it("refuses redirects that lead nowhere", async () => {
    await using server = await httpServer((request, response) => {
      response.writeHead(307, { Location: request.headers["x-to"] as string });
      response.end();
    });
    await using client = new TestClient();
    const get = (to: string) => fetcher(client, server)("/", { headers: { "X-To": to } });
    await failsWith(
      get("https://192.168.1.1/"),
      "redirect",
      /https:\/\/192.168.1.1\/" is not plain HTTP/,
    );
    await failsWith(get("http://["), "redirect", /is not an address/);
    await failsWith(get("/"), "redirect", /more than 20/);
    const body = new Blob(["x"]).stream();
    const headers = { "X-To": "/" };
    const post = fetcher(client, server)("/", { method: "POST", body, headers });
    await failsWith(post, "redirect", /was a stream/);
  });

  it("decodes compressed bodies", async () => {
    const plain = Buffer.from(pattern(200_000));
    await using server = await httpServer((request, response) => {
      const [, encoding = ""] = request.url?.split("/") ?? [];
      const encoded = {
        gzip: gzipSync(plain),
        "x-gzip": gzipSync(plain),
        deflate: deflateSync(plain),
        "gzip,deflate": deflateSync(gzipSync(plain)),
        identity: plain,
        br: plain,
        empty: Buffer.alloc(0),
        bad: Buffer.from("this is no gzip"),
        short: gzipSync(plain).subarray(0, 1000),
      }[encoding];
      const name = ["empty", "bad", "short"].includes(encoding) ? "gzip" : encoding;
      response.setHeader("Content-Encoding", name);
      response.end(encoded);
    });
    await using client = new TestClient();
    const get = fetcher(client, server);
    for (const encoding of ["gzip", "x-gzip", "deflate", "gzip,deflate", "identity", "br"]) {
      const response = await get(`/${encoding}`);
      assert.equal(response.headers.get("content-encoding"), encoding);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), plain, encoding);
    }
    assert.equal(await (await get("/empty")).text(), "");
    for (const broken of ["/bad", "/short"])
      await failsWith((await get(broken)).text(), "protocol", /compressed/);
    assert.equal((await get("/gzip", { method: "HEAD" })).body, null);
  });

  it("lets a compressed body be cancelled, and passes on what broke it", async () => {
    let cut: () => void = () => undefined;
    await using server = await httpServer((_, response) => {
      response.setHeader("Content-Encoding", "gzip");
      response.write(gzipSync(pattern(1000), { level: 0 }).subarray(0, 500));
      cut = () => response.destroy();
    });
    await using client = new TestClient();
    const get = fetcher(client, server);
    const reader = (await get("/")).body!.getReader();
    await reader.read();
    await reader.cancel();
    await client.sockets.allClosed();
    const broken = (await get("/")).text();
    cut();
    await failsWith(broken, "reset");
    const giveUp = new AbortController();
    const response = await get("/", { signal: giveUp.signal });
    const text = response.text();
    giveUp.abort();
    await assert.rejects(text, { name: "AbortError" });
    await client.sockets.allClosed();
  });

  it("gives answers that allow no body none, and refuses statuses that do not exist", async () => {
    await using server = await httpServer((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      response.end();
    });
    await using client = new TestClient();
    const get = fetcher(client, server);
    for (const status of [204, 205, 304]) assert.equal((await get(`/${status}`)).body, null);
    await failsWith(get("/700"), "protocol", /700/);
  });

  it("can be aborted, by the request's own signal too", async () => {
    let giveUp = new AbortController();
    await using server = await httpServer(() => giveUp.abort(new DOMException("", "TimeoutError")));
    await using client = new TestClient();
    const get = fetcher(client, server);
    const request = new Request(`http://r:${server.port}/`, { signal: giveUp.signal });
    await assert.rejects(get(request), { name: "TimeoutError" });
    giveUp = new AbortController();
    await assert.rejects(get("/", { signal: giveUp.signal }), { name: "TimeoutError" });
    await client.sockets.allClosed();
  });
});
