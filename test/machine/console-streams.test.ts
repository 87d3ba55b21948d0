import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { ConsoleHub, leftOutMark, MAX_LAG_BYTES } from "../../src/machine/console-streams.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (given: Uint8Array) => new TextDecoder().decode(given);
const MARK = /\[… ([\d,]+) bytes of output left out …\]/;

/** Lines with numbers, at least so many bytes of them. */
function numbered(least: number): string {
  const lines: string[] = [];
  for (let length = 0, line = 0; length < least; line++) {
    const next = `line ${line} größer\n`;
    lines.push(next);
    length += bytes(next).length;
  }
  return lines.join("");
}

function output(hub: ConsoleHub, given: string): void {
  const all = bytes(given);
  // Pieces that end anywhere, as the guest's do.
  for (let at = 0; at < all.length; at += 1021) hub.output(all.slice(at, at + 1021));
}

/** Everything up to the end, which has to come. */
async function rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let all = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return all;
    all += decoder.decode(value, { stream: true });
  }
}

describe("console", () => {
  let hub: ConsoleHub;
  let typed: string;
  beforeEach(() => {
    typed = "";
    hub = new ConsoleHub((given) => (typed += text(given)));
  });

  it("gives each reader what comes after it was taken", async () => {
    const early = hub.open().readable.getReader();
    hub.output(bytes("one"));
    const late = hub.open().readable.getReader();
    hub.output(bytes("two"));
    assert.equal(text((await late.read()).value!), "two");
    assert.equal(text((await early.read()).value!), "onetwo");
    const next = early.read();
    hub.output(bytes("three"));
    assert.equal(text((await next).value!), "three");
  });

  it("makes no reader for who only types", () => {
    const streams = hub.open();
    const { writable } = streams;
    assert.ok(writable instanceof WritableStream);
    hub.output(bytes("unseen"));
    assert.equal(streams.readable, streams.readable);
  });

  it("answers reads that were asked for in advance, in their order", async () => {
    const early = hub.open().readable.getReader();
    const reads = [early.read(), early.read()];
    await Promise.resolve();
    hub.output(bytes("one"));
    hub.output(bytes("two"));
    const answers = await Promise.all(reads);
    assert.equal(answers.map(({ value }) => text(value!)).join(""), "onetwo");
  });

  it("hands what is typed on, whoever types", async () => {
    await hub.open().writable.getWriter().write(bytes("ls"));
    await hub.open().writable.getWriter().write(bytes("\r"));
    assert.equal(typed, "ls\r");
  });

  it("leaves out the oldest output of a reader that falls behind, and says how much", async () => {
    const reader = hub.open().readable.getReader();
    const first = reader.read();
    hub.output(bytes("first\n"));
    await first;
    const all = numbered(10 * MAX_LAG_BYTES);
    output(hub, all);
    hub.close();

    const read = await rest(reader);
    const [mark, count] = MARK.exec(read)!;
    const kept = read.slice(read.indexOf(mark) + mark.length).replace(/^\r\n/, "");
    assert.ok(read.indexOf(mark) < 10, "the mark comes first");
    assert.ok(all.endsWith(kept), "what follows is the newest output");
    assert.match(kept, /^line \d+ größer\n/, "and begins with a whole line");
    assert.equal(Number(count!.replaceAll(",", "")), bytes(all).length - bytes(kept).length);
    const { length } = bytes(kept);
    assert.ok(length >= MAX_LAG_BYTES - 4096 && length <= MAX_LAG_BYTES, `${length} bytes`);
  });

  it("goes on after a reader caught up", async () => {
    const reader = hub.open().readable.getReader();
    const first = reader.read();
    hub.output(bytes("x"));
    await first;
    output(hub, `${numbered(2 * MAX_LAG_BYTES)}the last line`);
    let seen = "";
    while (!seen.endsWith("the last line")) seen += text((await reader.read()).value!);
    const next = reader.read();
    hub.output(bytes("and on"));
    const on = text((await next).value!) === "and on";
    assert.equal(on, true);
    assert.equal(seen.match(new RegExp(MARK, "g"))?.length, 1);
  });

  it("keeps whole characters where no line ends", async () => {
    const reader = hub.open().readable.getReader();
    const first = reader.read();
    hub.output(bytes("x"));
    await first;
    // Three bytes each, and a capacity that is no multiple of three.
    output(hub, "文".repeat(MAX_LAG_BYTES));
    hub.close();
    assert.doesNotMatch(await rest(reader), /\ufffd/);
  });

  it("does not let a slow reader hold up another one", async () => {
    const slow = hub.open().readable.getReader();
    const quick = hub.open().readable.getReader();
    const both = [slow.read(), quick.read()];
    hub.output(bytes("x"));
    await Promise.all(both);
    let count = 0;
    for (let at = 0; at < 4 * MAX_LAG_BYTES; at += 4096) {
      const read = quick.read();
      hub.output(new Uint8Array(4096));
      count += (await read).value!.length;
    }
    assert.equal(count, 4 * MAX_LAG_BYTES);
  });

  it("ends a reader that has not read yet, and one that waits", async () => {
    const unread = hub.open().readable.getReader();
    const waiting = hub.open().readable.getReader();
    const read = waiting.read();
    hub.close();
    await unread.closed;
    assert.equal((await unread.read()).done, true);
    assert.equal((await read).done, true);
    await waiting.closed;
  });

  it("ends a reader behind what it was given, and gives one that comes later its end at once", async () => {
    const reader = hub.open().readable.getReader();
    const first = reader.read();
    hub.output(bytes("one "));
    hub.output(bytes("two "));
    hub.output(bytes("three"));
    hub.close();
    assert.equal(text((await first).value!) + (await rest(reader)), "one two three");
    assert.equal((await hub.open().readable.getReader().read()).done, true);
  });

  it("keeps nothing for a reader that was cancelled", async () => {
    const reader = hub.open().readable.getReader();
    const first = reader.read();
    hub.output(bytes("x"));
    await first;
    await reader.cancel();
    hub.output(bytes("y"));
    hub.close();
    assert.equal((await reader.read()).done, true);
  });

  it("marks what was left out in a way that ends a sequence of the terminal that was cut", () => {
    assert.equal(
      text(leftOutMark(1_234_567)),
      "\x18\x1b[0m\r\n[… 1,234,567 bytes of output left out …]\r\n",
    );
  });
});
