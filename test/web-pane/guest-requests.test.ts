import { expect } from "@esm-bundle/chai";
import { receiveStream, sendStream } from "../../src/common/byte-port.js";
import type { Bytes } from "../../src/common/bytes.js";
import { NetworkError } from "../../src/network/errors.js";
import type { HttpExchange, HttpRequest } from "../../src/network/http-message.js";
import { CookieJar } from "../../src/web-pane/cookie-jar.js";
import { destinationOf } from "../../src/web-pane/destination.js";
import { guestOrigin } from "../../src/web-pane/guest-origin.js";
import { GuestRequests } from "../../src/web-pane/guest-requests.js";
import { responseHeaders } from "../../src/web-pane/header-rules.js";
import type { AnswerMessage } from "../../src/web-pane/messages.js";
import { roundTrips } from "./round-trips.js";

const TEXTS = {
  noAnswer: "no answer",
  retry: "retry",
  leadsOut: "leads out",
  leadsOutText: (url: string) => `out ${url}`,
  tlsText: (url: string) => `tls ${url}`,
  otherPortText: (url: string) => `port ${url}`,
  bodyTooLarge: "too large",
};

function requests(exchange: HttpExchange) {
  return new GuestRequests({
    exchange,
    jar: new CookieJar(),
    origin: "http://guest.example",
    ancestors: ["https://host.example"],
    texts: TEXTS,
    authorization: () => "",
    signIn: () => undefined,
    stays: () => undefined,
  });
}

/** One request, and what comes back for it but "taken". */
function ask(to: GuestRequests, body: ReadableStream<Bytes> | MessagePort | null = null) {
  const { port1, port2 } = new MessageChannel();
  let late = 0;
  port2.addEventListener("message", ({ data }) => (late += data === "late" ? 1 : 0));
  const answer = new Promise<AnswerMessage>((resolve) => {
    port1.onmessage = ({ data }: MessageEvent<AnswerMessage>) => {
      if (data.type !== "taken") resolve(data);
    };
  });
  to.take({
    type: "request",
    worker: "life",
    method: body ? "POST" : "GET",
    target: "/x?y",
    headers: [
      ["Accept", "*/*"],
      ["Cookie", "forged=1"],
      ["Host", "forged"],
    ],
    navigation: false,
    answer: port2,
    body: body instanceof ReadableStream ? sent(body) : body,
  });
  return { answer, port: port1, late: () => late };
}

/** As the service worker sends a body. */
function sent(body: ReadableStream<Bytes>): MessagePort {
  const { port1, port2 } = new MessageChannel();
  sendStream(port1, body).catch(() => undefined);
  return port2;
}

/** As the service worker receives one. */
function bodyOf(answer: AnswerMessage): ReadableStream<Bytes> {
  if (answer.type !== "head" || !answer.body) throw new Error("The answer has no body.");
  return receiveStream(answer.body).readable;
}

const ok = (headers: [string, string][] = [], body: ReadableStream<Bytes> | null = null) =>
  Promise.resolve({ status: 200, statusText: "OK", headers, body });

describe("requests of the guest's pages", () => {
  it("reach the router with its cookies, and without what is not theirs to say", async () => {
    const seen: HttpRequest[] = [];
    const to = requests((request) => {
      seen.push(request);
      return ok([["Set-Cookie", "a=1; Path=/"]]);
    });
    const { answer } = ask(to);
    expect(await answer).to.include({ type: "head", status: 200, body: null });
    await ask(to).answer;
    expect(seen[0]?.headers).to.deep.equal([["Accept", "*/*"]]);
    expect(seen[1]?.headers).to.deep.equal([
      ["Accept", "*/*"],
      ["Cookie", "a=1"],
    ]);
  });

  it("carry a body with its length, gathered from its pieces", async () => {
    const seen: HttpRequest[] = [];
    const to = requests((request) => {
      seen.push(request);
      return ok();
    });
    const body = new Blob(["one ", "two"]).stream();
    await ask(to, body).answer;
    expect(new TextDecoder().decode(seen[0]?.body as Uint8Array)).to.equal("one two");
  });

  it("are so many at a time, and the next goes when one is over or given up", async () => {
    let open = 0;
    let most = 0;
    const go: (() => void)[] = [];
    const to = requests(async (_, signal) => {
      most = Math.max(most, ++open);
      await new Promise<void>((resolve, reject) => {
        go.push(resolve);
        signal.addEventListener("abort", () => reject(new NetworkError("off")));
      }).finally(() => open--);
      return ok();
    });
    const asked = Array.from({ length: 40 }, () => ask(to));
    await until(() => open === 32);
    asked[0]?.port.postMessage({ type: "abort" });
    await until(() => go.length === 33);
    go.forEach((next) => next());
    await until(() => go.length === 40);
    go.forEach((next) => next());
    await Promise.all(asked.map(({ answer }) => answer));
    expect(most).to.equal(32);
  });

  it("are given up with the service worker that asked, also while a body is on its way", async () => {
    let stopped = 0;
    const to = requests((_, signal) => {
      signal.addEventListener("abort", () => stopped++);
      return ok([], new ReadableStream());
    });
    ask(to, new ReadableStream());
    await ask(to).answer;
    to.workerGone("other");
    expect(stopped).to.equal(0);
    to.workerGone("life");
    await until(() => stopped === 1);
  });

  it("fail with a sentence, also those that wait, when the machine goes off", async () => {
    const to = requests(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          open++;
          signal.addEventListener("abort", () => reject(new NetworkError("reset")));
        }),
    );
    let open = 0;
    const asked = Array.from({ length: 40 }, () => ask(to).answer);
    await until(() => open === 32);
    to.stop();
    for (const answer of await Promise.all(asked))
      expect(answer).to.deep.include({ type: "failed", heading: "no answer" });
  });
});

describe("an answer to the guest's pages", () => {
  const gzip = (text: string) =>
    new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")) as ReadableStream<Bytes>;
  const text = (body: ReadableStream<Bytes>) => new Response(body).text();
  const namesOf = (answer: AnswerMessage) =>
    answer.type === "head" ? answer.headers.map(([name]) => name.toLowerCase()) : [];

  it("has a body that is cancelled at its source", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Bytes>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: () => void (cancelled = true),
    });
    const to = requests(() => ok([], endless));
    const reader = bodyOf(await ask(to).answer).getReader();
    expect((await reader.read()).value).to.have.length(1000);
    await reader.cancel();
    await until(() => cancelled);
  });

  it("closes its port, whether it has a body, has none, or is a failure", async () => {
    const bodies = [null, new ReadableStream<Bytes>(), undefined];
    for (const body of bodies) {
      const to = requests(() =>
        body === undefined ? Promise.reject(new NetworkError("refused")) : ok([], body),
      );
      const { answer, port, late } = ask(to);
      expect((await answer).type).to.equal(body === undefined ? "failed" : "head");
      port.postMessage("late");
      await roundTrips(20);
      expect(late()).to.equal(0);
    }
  });

  it("comes without its content encoding, which nobody undoes for a service worker", async () => {
    const headers: [string, string][] = [
      ["Content-Encoding", "gzip"],
      ["Content-Length", "25"],
    ];
    const answer = await ask(requests(() => ok(headers, gzip("plain")))).answer;
    expect(await text(bodyOf(answer))).to.equal("plain");
    expect(namesOf(answer)).to.not.include.members(["content-encoding"]);
    expect(namesOf(answer)).to.not.include.members(["content-length"]);
  });

  it("may have an empty body for any encoding, and keeps one that we do not know", async () => {
    const empty = new Blob([]).stream();
    let answer = await ask(requests(() => ok([["Content-Encoding", "gzip"]], empty))).answer;
    expect(await text(bodyOf(answer))).to.equal("");
    const brotli = new Blob(["as it is"]).stream();
    answer = await ask(requests(() => ok([["Content-Encoding", "br, gzip"]], brotli))).answer;
    expect(await text(bodyOf(answer))).to.equal("as it is");
    expect(namesOf(answer)).to.include("content-encoding");
  });

  it("gives back its connection when it leads out of the router", async () => {
    let cancelled = false;
    const body = new ReadableStream<Bytes>({ cancel: () => void (cancelled = true) });
    const to = requests(() => ok([["Location", "https://evil.example/"]], body));
    expect(await ask(to).answer).to.deep.include({
      type: "failed",
      text: "out https://evil.example/",
    });
    await until(() => cancelled);
  });
});

describe("a body from a guest's page that is up to no good", () => {
  it("is given up, and the router is not asked", async () => {
    let asked = 0;
    const to = requests(() => {
      asked++;
      return ok();
    });
    for (const nonsense of [
      null,
      { type: "data", bytes: "text" },
      { type: "credit", bytes: 1e9 },
    ]) {
      const { port1, port2 } = new MessageChannel();
      const { answer } = ask(to, port2);
      port1.postMessage(nonsense);
      expect((await answer).type).to.equal("failed");
    }
    expect(asked).to.equal(0);
  });
});

describe("where an address leads", () => {
  for (const [address, kind] of [
    ["/cgi-bin/luci/", "router"],
    ["http://192.168.1.1/cgi-bin/luci/", "router"],
    ["http://10.9.8.7/", "router"],
    ["http://[fd00::1]/", "router"],
    ["http://openwrt.lan/", "router"],
    ["http://OpenWrt/", "router"],
    ["http://guest.example/x", "router"],
    ["https://192.168.1.1/", "other-port"],
    ["http://192.168.1.1:8080/", "other-port"],
    ["https://openwrt.org/", "outside"],
    ["//evil.example/", "outside"],
    ["javascript:alert(1)", "outside"],
    ["http://", "outside"],
  ] as const)
    it(`${address}: ${kind}`, () => {
      expect(destinationOf(address, "http://guest.example/a/b").kind).to.equal(kind);
    });
});

describe("guest origin", () => {
  it("is each machine's own where there is a star", async () => {
    const one = await guestOrigin("http://*.router.localhost:8080", "demo\ndefault");
    expect(one).to.match(/^http:\/\/m[0-9a-f]{20}\.router\.localhost:8080$/);
    expect(await guestOrigin("http://*.router.localhost:8080", "demo\nother")).not.to.equal(one);
    expect(await guestOrigin("https://router.example/x", "any")).to.equal("https://router.example");
    for (const bad of ["", "router", "*", "http://a.*.b", "http://*.*.b", "ftp://*.b", "http://*b"])
      expect(await guestOrigin(bad, "any"), bad).to.equal(undefined);
  });
});

describe("header fields of an answer", () => {
  it("may not forbid the frame, reach beyond the page, or carry what browsers refuse", () => {
    const passed = responseHeaders(
      [
        ["X-Frame-Options", "DENY"],
        ["Clear-Site-Data", '"*"'],
        ["Service-Worker-Allowed", "/"],
        ["Origin-Agent-Cluster", "?0"],
        [
          "Content-Security-Policy",
          "script-src 'self'; frame-ancestors 'none'; report-uri http://x",
        ],
        ["bad name", "x"],
        ["Bad-Value", "\0"],
        ["ETag", '"1"'],
      ],
      ["https://host.example"],
    );
    expect(passed.map(([name]) => name)).to.deep.equal([
      "Content-Security-Policy",
      "ETag",
      "Content-Security-Policy",
      "X-DNS-Prefetch-Control",
      "Origin-Agent-Cluster",
    ]);
    expect(passed[0]?.[1]).to.equal("script-src 'self'");
    expect(passed[2]?.[1]).to.contain("frame-ancestors 'self' https://host.example");
    expect(passed.at(-1)?.[1]).to.equal("?1");
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 200) throw new Error("It never came true.");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
