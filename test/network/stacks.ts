/** Two stacks and a wire between them, good or bad. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ByteStream } from "../../src/common/byte-stream.js";
import { IpStack } from "../../src/network/ip-stack.js";
import { ROOT } from "../../scripts/lib/paths.js";
import { Random } from "../fuzz/random.js";
import { VirtualClock } from "../common/virtual-clock.js";

export type Bytes = Uint8Array<ArrayBuffer>;
type Send = (frame: Bytes) => void;

export const LWIP = new WebAssembly.Module(readFileSync(`${ROOT}wasm/lwip/lwip.wasm`));
export const MAC = {
  a: new Uint8Array([2, 0, 0, 0, 0, 1]),
  b: new Uint8Array([2, 0, 0, 0, 0, 2]),
};
export const ADDRESS = { a: 0x0a000001, b: 0x0a000002, netmask: 0xffffff00 };

/** Loses 1 %, doubles 1 %, and delays 5 % behind those that follow. */
export function badWire(clock: VirtualClock, seed: number): (send: Send) => Send {
  const random = new Random(seed);
  return (send) => (frame) => {
    if (random.below(100) < 1) return;
    const delay = random.below(100) < 5 ? 3 : 1;
    clock.after(delay, () => send(frame));
    if (random.below(100) < 1) clock.after(delay + 1, () => send(frame));
  };
}

export interface Pair {
  readonly a: IpStack;
  readonly b: IpStack;
  readonly clock: VirtualClock;
  /** frames each of them sent */
  readonly sent: { a: Bytes[]; b: Bytes[] };
  /** cuts and mends the wire */
  plugged: boolean;
}

/** @param wire what a frame goes through, in each direction */
export async function pair(
  wire: (send: Send) => Send = (send) => send,
  clock = new VirtualClock(),
): Promise<Pair> {
  const link = { a: undefined as IpStack | undefined, b: undefined as IpStack | undefined };
  const result = { clock, plugged: true, sent: { a: [] as Bytes[], b: [] as Bytes[] } };
  const send = (from: "a" | "b", to: "a" | "b") => {
    const through = wire((frame) => link[to]?.receive(frame));
    return (frame: Bytes) => {
      if (result.sent[from].length < 1000) result.sent[from].push(frame);
      if (result.plugged) through(frame);
    };
  };
  const create = async (name: "a" | "b", other: "a" | "b") => {
    const stack = await IpStack.create({
      lwip: LWIP,
      mac: MAC[name],
      clock,
      sendFrame: send(name, other),
    });
    stack.setAddress(ADDRESS[name], ADDRESS.netmask, 0);
    link[name] = stack;
    return stack;
  };
  return Object.assign(result, { a: await create("a", "b"), b: await create("b", "a") });
}

/** Bytes that repeat late, the same for the same seed. */
export function pattern(length: number, seed = 1): Bytes {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed >>> 0 || 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** Writes all of it in pieces of many sizes, and finishes. */
export async function sendAll(stream: ByteStream, bytes: Bytes): Promise<void> {
  const writer = stream.writable.getWriter();
  let step = 1;
  for (let at = 0; at < bytes.length; at += step) {
    step = (step * 7 + 13) % 200_000;
    await writer.write(bytes.subarray(at, at + step));
  }
  await writer.close();
}

export async function readAll(stream: ByteStream): Promise<Bytes> {
  const chunks: Bytes[] = [];
  for await (const chunk of stream.readable) chunks.push(chunk);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Sends back what comes, and finishes when the other side does. */
export async function echo(stream: ByteStream): Promise<void> {
  await stream.readable.pipeTo(stream.writable);
}

/** Fails with a word instead of a difference that nobody could read. */
export function assertSame(got: Uint8Array, expected: Uint8Array): void {
  assert.equal(got.length, expected.length);
  assert.ok(Buffer.from(got).equals(expected), "the bytes are the same");
}
