import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { NetworkError } from "../../src/network/errors.js";
import { HttpParser, MAX_HEADER_BYTES } from "../../src/network/http-parser.js";
import { Llhttp } from "../../src/network/llhttp.js";
import { LLHTTP } from "./clients.js";

const llhttp = new Llhttp(LLHTTP);

interface Read {
  status?: number;
  text?: string;
  headers?: Record<string, string>;
  body?: string;
  complete?: boolean;
  keepAlive?: boolean;
  problem?: string;
  detail?: string;
}

/** Reads an answer in pieces of `step` bytes, and its end if it ends. */
function read(answer: string, step: number, { ends = false, method = "GET" } = {}): Read {
  const parser = new HttpParser(llhttp, method);
  const bytes = Buffer.from(answer, "latin1");
  const body: Buffer[] = [];
  try {
    for (let at = 0; at < bytes.length; at += step)
      body.push(...parser.feed(bytes.subarray(at, at + step)).map((piece) => Buffer.from(piece)));
    if (ends) parser.finish();
    const { head, complete, keepAlive } = parser;
    return {
      ...(head && {
        status: head.status,
        text: head.statusText,
        headers: Object.fromEntries(head.headers),
      }),
      body: Buffer.concat(body).toString("latin1"),
      complete,
      keepAlive,
    };
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    return { problem: error.problem, detail: error.detail };
  } finally {
    parser.destroy();
  }
}

/** Reads it whole and byte by byte, and checks what came of it. */
function check(answer: string, expected: Read, options?: { ends?: boolean; method?: string }) {
  for (const step of [1 << 20, 1, 3]) {
    const found: Read = read(answer, step, options);
    const wanted = Object.fromEntries(
      Object.keys(expected).map((key) => [key, found[key as keyof Read]]),
    );
    assert.deepEqual(wanted, expected, JSON.stringify({ answer: answer.slice(0, 200), found }));
  }
}

const DONE = { complete: true, keepAlive: true };
const CLOSES = { complete: true, keepAlive: false };

describe("The parser of answers reads", () => {
  it("header and body", () => {
    check(
      "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nX-A:  b \r\nX-Empty:\r\nY: z\r\n\r\nabc",
      {
        status: 404,
        text: "Not Found",
        headers: { "Content-Length": "3", "X-A": "b", "X-Empty": "", Y: "z" },
        body: "abc",
        ...DONE,
      },
    );
    check("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", { status: 200, text: "", ...DONE });
    check("HTTP/1.1 200 \xe9\r\nA: \x80\xff\r\nContent-Length: 0\r\n\r\n", {
      text: "\xe9",
      headers: { A: "\x80\xff", "Content-Length": "0" },
    });
  });

  it("what old servers and CGI scripts send", () => {
    const headers = { A: "b", "Content-Length": "2" };
    check("HTTP/1.0 200 OK\nA: b\nContent-Length: 2\n\nok", { headers, body: "ok", ...CLOSES });
    check("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\nContent-Length: 0\r\n\r\n", {
      headers: { A: "b c\td", "Content-Length": "0" },
    });
    check(
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
      {
        body: "ok",
        ...DONE,
      },
    );
    check("HTTP/1.0 200 OK\r\n\r\nto the end", { body: "to the end", ...CLOSES }, { ends: true });
    check("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", DONE);
    check("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", DONE);
  });

  it("chunks, with extensions and a trailer", () => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(`${head}3;x=y\r\nabc\r\n00A\r\n0123456789\r\n0\r\nT: x\r\n\r\n`, {
      body: "abc0123456789",
      headers: { "Transfer-Encoding": "chunked" },
      ...DONE,
    });
  });

  it("no body where there is none", () => {
    const length = "Content-Length: 5\r\n\r\n";
    check(`HTTP/1.1 200 OK\r\n${length}`, { body: "", ...DONE }, { method: "HEAD" });
    check("HTTP/1.1 200 OK\r\n\r\n", { body: "", ...DONE }, { method: "HEAD" });
    for (const status of [204, 304])
      check(`HTTP/1.1 ${status} X\r\n${length}`, { status, body: "", ...DONE });
  });

  it("past interim answers", () => {
    for (const interim of [
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.0 100 Continue\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 103 Early\r\nContent-Length: 7\r\nLink: a\r\n\r\nHTTP/1.1 199 X\r\n\r\n",
    ])
      check(`${interim}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`, {
        status: 200,
        text: "OK",
        headers: { "Content-Length": "1" },
        body: "x",
        ...DONE,
      });
  });

  it("no further than the end of the answer", () => {
    check("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 500 X\r\n\r\n", {
      status: 200,
      body: "x",
      ...CLOSES,
    });
  });
});

describe("The parser of answers refuses", () => {
  it("what is not HTTP", () => {
    for (const answer of [
      "SSH-2.0-x\r\n",
      "\x16\x03\x01",
      "ICY 200 OK\r\n",
      "HTTP/2 200\r\n\r\n",
      "GET / HTTP/1.1\r\n",
    ])
      check(answer, { problem: "protocol" });
    const length = "Content-Length: 0\r\n\r\n";
    for (const line of ["A B: c", "A : b", "A\x01: b", ": b", "A: b\rC: d", "A: b\0"])
      check(`HTTP/1.1 200 OK\r\n${line}\r\n${length}`, { problem: "protocol" });
    for (const value of ["1x", "-1", "", "99999999999999999999999", "1\r\nContent-Length: 2"])
      check(`HTTP/1.1 200 OK\r\nContent-Length: ${value}\r\n\r\n`, { problem: "protocol" });
    check(`HTTP/1.1 099 X\r\n${length}`, {
      problem: "protocol",
      detail: "the status 99 does not exist",
    });
  });

  it("another protocol", () => {
    check("HTTP/1.1 101 X\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n", {
      problem: "protocol",
      detail: "the server wants to change to another protocol",
    });
  });

  it("an end in the middle, and says where", () => {
    const cut = (answer: string, detail: string) =>
      check(answer, { problem: "reset", detail: `the connection ended ${detail}` }, { ends: true });
    cut("", "before an answer came");
    cut("HTTP/1.1 100 Continue\r\n\r\n", "in the middle of the answer's header");
    cut("HTTP/1.1 200 OK\r\nA", "in the middle of the answer's header");
    cut("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", "in the middle of the answer");
    cut(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
      "in the middle of the answer",
    );
  });

  it("a header above its limit, and takes one of exactly the limit", () => {
    const start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
    const fitting = start + "x".repeat(MAX_HEADER_BYTES - start.length - 4);
    const detail = "its header is larger than 256 KiB";
    assert.equal(read(`${fitting}\r\n\r\n`, 1000).complete, true);
    assert.equal(read(`${fitting}x\r\n\r\n`, 1000).detail, detail);
    assert.equal(read("HTTP/1.1 100 Continue\r\n\r\n".repeat(20_000), 1000).detail, detail);
    assert.equal(read("\r\n".repeat(200_000), 1000).detail, detail);
    assert.equal(
      read(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"T: x\r\n".repeat(200_000)}`,
        1000,
      ).detail,
      "its trailer is larger than 256 KiB",
    );
  });

  it("nothing, once it was destroyed", () => {
    const parser = new HttpParser(llhttp, "GET");
    parser.destroy();
    parser.destroy();
    assert.deepEqual(parser.feed(Buffer.from("HTTP/1.1 200 OK\r\n\r\n")), []);
    parser.finish();
  });
});
