import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Queue, type Transport, VirtioNic } from "../../src/machine/v86-nic.js";

const SEND = 1;
const CONTROL = 2;
const HEADER_BYTES = 12;

/** What a driver puts into a queue: how much its descriptors claim to hold, and what they hold. */
interface Chain {
  readonly claims: number;
  readonly holds: number[];
}

/** v86's transport with a ready driver, whose queues hold what a test puts into them. */
class FakeTransport implements Transport {
  static last: FakeTransport;
  readonly device_status = 4;
  readonly #waiting: Chain[][] = [[], [], []];
  readonly #handlers: (() => void)[];
  /** sizes of the buffers that the card had filled */
  readonly read: number[] = [];
  readonly written: number[][] = [];
  replies = 0;

  constructor(_cpu: unknown, options: object) {
    this.#handlers = (
      options as { notification: { handlers: (() => void)[] } }
    ).notification.handlers;
    FakeTransport.last = this;
  }

  readonly queues: readonly Queue[] = [0, 1, 2].map((number) => ({
    is_configured: () => true,
    has_request: () => this.#waiting[number]!.length > 0,
    pop_request: () => {
      const { claims, holds } = this.#waiting[number]!.shift()!;
      return {
        length_readable: claims,
        get_next_blob: (into: Uint8Array) => {
          this.read.push(into.length);
          into.set(holds.slice(0, into.length));
        },
        set_next_blob: (from: Uint8Array) => this.written.push([...from]),
      };
    },
    push_reply: () => this.replies++,
    flush_replies: () => undefined,
  }));

  /** The driver rings a queue. */
  ring(queue: number, ...chains: Chain[]): void {
    this.#waiting[queue]!.push(...chains);
    this.#handlers[queue]!();
  }

  notify_config_changes(): void {}
  reset(): void {}
  set_state(): void {}
}

function plugged(): { frames: Uint8Array[]; transport: FakeTransport } {
  const frames: Uint8Array[] = [];
  const place = { name: "lan", slot: 5, ports: 0xb800, mac: new Uint8Array(6) };
  const nic = new VirtioNic(FakeTransport, undefined, place, (frame) => frames.push(frame));
  nic.plugged = true;
  return { frames, transport: FakeTransport.last };
}

const frameOf = (length: number): Chain => ({
  claims: HEADER_BYTES + length,
  holds: new Array<number>(HEADER_BYTES + length).fill(7),
});

describe("the network card", () => {
  it("hands on frames up to the longest, without their virtio header", () => {
    const { frames, transport } = plugged();
    transport.ring(SEND, frameOf(60), frameOf(1518));
    assert.deepEqual(
      frames.map(({ length }) => length),
      [60, 1518],
    );
  });

  it("makes no room for a frame that its descriptors claim has gigabytes, and goes on", () => {
    const { frames, transport } = plugged();
    transport.ring(SEND, { claims: 3 * 2 ** 30, holds: [] }, frameOf(1519), frameOf(60));
    assert.ok(Math.max(...transport.read) <= HEADER_BYTES + 1518);
    assert.deepEqual(
      frames.map(({ length }) => length),
      [60],
    );
    assert.equal(transport.replies, 3);
  });

  it("refuses such a command, and takes a good one", () => {
    const { transport } = plugged();
    transport.ring(CONTROL, { claims: 3 * 2 ** 30, holds: [1, 1] });
    transport.ring(CONTROL, { claims: 8, holds: [1, 1, 2, 3, 4, 5, 6, 7] });
    assert.deepEqual(transport.written, [[1], [0]]);
    assert.ok(Math.max(...transport.read) <= HEADER_BYTES + 1518);
  });
});
