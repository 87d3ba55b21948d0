/** Answers from anywhere, in pieces of any size. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkError } from "../../src/network/errors.js";
import { HttpParser, MAX_HEADER_BYTES } from "../../src/network/http-parser.js";
import { Llhttp } from "../../src/network/llhttp.js";
import { LLHTTP } from "../network/clients.js";
import { type Bytes, fuzz, type Random, spoil } from "./random.js";

const llhttp = new Llhttp(LLHTTP);

const GOOD = [
  "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=20\r\n\r\n5\r\nhello\r\n10;a=b\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n",
  "HTTP/1.0 302 Found\r\nSet-Cookie: sysauth=1; path=/\r\nLocation: /cgi-bin/luci\r\n\r\nmoved",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
  "HTTP/1.1 200 OK\nX-Fold: a\n b\n\tc\nConnection: upgrade\nUpgrade: x\nContent-Length: 4\n\nbody",
].map((text) => new Uint8Array(Buffer.from(text, "latin1")));

/** What HTTP is made of: put anywhere, it reaches further than a random byte. */
const TOKENS = [
  ...[
    "\r\n",
    "\r",
    "\n",
    "\0",
    ":",
    " ",
    "\t",
    ";",
    "\r\n\r\n",
    "0\r\n\r\n",
    "ffffffffffffffffff\r\n",
  ],
  ...[
    "HTTP/1.1 ",
    "HTTP/9.9 ",
    "101 ",
    "Content-Length: 99999999999999999999\r\n",
    "Content-Length: -1\r\n",
  ],
  ...[
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked, x\r\n",
    "Connection: upgrade, close\r\n",
  ],
].map((text) => Buffer.from(text, "latin1"));

function anAnswer(random: Random): Bytes {
  if (random.oneIn(16)) return random.bytes(random.below(300));
  let bytes = random.pick(GOOD);
  if (!random.oneIn(3)) bytes = spoil(bytes, random);
  for (let times = random.below(3); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    const cut = random.oneIn(2) ? random.below(8) : 0;
    const parts = [bytes.subarray(0, at), random.pick(TOKENS), bytes.subarray(at + cut)];
    bytes = new Uint8Array(Buffer.concat(parts));
  }
  return bytes;
}

/** Reads an answer in the pieces that `size` gives; everything that came of it, as text. */
function read(bytes: Bytes, method: string, ends: boolean, size: () => number): string {
  const parser = new HttpParser(llhttp, method);
  const body: Bytes[] = [];
  let outcome: string;
  try {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + size());
      body.push(...parser.feed(piece));
      at += piece.length;
    }
    if (ends) parser.finish();
    outcome = parser.complete ? "complete" : "unfinished";
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    outcome = `${error.problem}: ${error.detail}`;
  } finally {
    parser.destroy();
  }
  const { head, keepAlive } = parser;
  const length = body.reduce((sum, piece) => sum + piece.length, 0);
  assert.ok(length <= bytes.length);
  if (head) {
    assert.ok(head.status === 100 || (head.status >= 200 && head.status <= 999));
    for (const [name, value] of head.headers) {
      assert.match(name, /^[!#$%&'*+\-.^_`|~\w]+$/);
      assert.doesNotMatch(value, /[\0\r\n]/);
    }
  }
  // The body of a broken answer comes as far as the pieces did.
  const text = outcome.startsWith("protocol") ? "" : Buffer.concat(body).toString("latin1");
  return JSON.stringify([outcome, head, keepAlive, text]);
}

test("an answer from anywhere is read or refused, the same in whatever pieces it comes", async () => {
  await fuzz("HTTP answers", (random) => {
    const bytes = anAnswer(random);
    const method = random.oneIn(8) ? "HEAD" : "GET";
    const ends = random.oneIn(2);
    const whole = read(bytes, method, ends, () => MAX_HEADER_BYTES);
    const limit = random.pick([2, 8, 64]);
    const pieces = read(bytes, method, ends, () => 1 + random.below(limit));
    assert.equal(pieces, whole);
    return String((JSON.parse(whole) as unknown[])[0]).replace(/:.*/, "");
  });
});
