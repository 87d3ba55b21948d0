/** What differs between Node and a browser: workers, ports, and what a `Response` hides. */
import { assert } from "@esm-bundle/chai";
import { NetworkError } from "../../../src/network/errors.js";
import { NETWORK_PORT } from "../../../src/network/failure.js";
import { HttpClient } from "../../../src/network/http-client.js";
import { openByteStream, type PortByteStream } from "../../../src/common/byte-port.js";
import { routerFetch } from "../../../src/network/router-fetch.js";

async function llhttp(): Promise<WebAssembly.Module> {
  const script = await fetch("/node_modules/undici/lib/llhttp/llhttp-wasm.js");
  const [, base64 = ""] = /["'`]([\w+/=]{1000,})["'`]/.exec(await script.text()) ?? [];
  return WebAssembly.compile(Uint8Array.from(atob(base64), (digit) => digit.charCodeAt(0)));
}

describe("Fetching from a server behind a worker's ports", () => {
  let worker: Worker;
  let client: HttpClient;
  let streams: PortByteStream[];

  const get = (address: string, init?: RequestInit) =>
    routerFetch(client.exchange, "http://192.168.1.1/", address, init);

  async function failure(promise: Promise<unknown>): Promise<Error> {
    return promise.then(
      () => assert.fail("did not fail"),
      (error: unknown) => error as Error,
    );
  }

  beforeEach(async () => {
    worker = new Worker(new URL("./echo-worker.ts", import.meta.url), { type: "module" });
    streams = [];
    const connect = () => {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage(port1, [port1]);
      const stream = openByteStream(port2, NETWORK_PORT);
      streams.push(stream);
      return Promise.resolve(stream);
    };
    client = new HttpClient(connect, await llhttp(), { host: () => "192.168.1.1" });
  });

  afterEach(() => {
    client.destroy();
    worker.terminate();
  });

  it("sends and shows cookies, which browsers hide", async () => {
    const response = await get("/a", { headers: { Cookie: "sysauth=1" } });
    assert.deepEqual(response.headers.getSetCookie(), ["a=1"]);
    assert.equal(response.url, "http://192.168.1.1/a");
    assert.match(await response.text(), /cookie: sysauth=1/);
  });

  it("answers many at once over few connections", async () => {
    const asked = Array.from({ length: 200 }, async (_, n) => (await get(`/${n}`)).text());
    const answers = await Promise.all(asked);
    answers.forEach((answer, n) => assert.match(answer, new RegExp(`^GET /${n} `)));
    assert.equal(streams.length, 6);
  });

  it("says why a body broke, where Chromium says only that it did", async () => {
    const error = await failure((await get("/gzip")).text());
    assert.instanceOf(error, NetworkError);
    assert.match(error.message, /compressed/);
    const giveUp = new AbortController();
    const body = (await get("/endless", { signal: giveUp.signal })).arrayBuffer();
    giveUp.abort();
    assert.equal((await failure(body)).name, "AbortError");
  });

  it("fails when the worker is gone and its owner says so", async () => {
    const body = (await get("/endless")).text();
    worker.terminate();
    for (const stream of streams) stream.fail(new NetworkError("off"));
    const error = await failure(body);
    assert.instanceOf(error, NetworkError);
    assert.equal(error.problem, "off");
  });
});
