import { expect } from "chai";
import { beforeEach, describe, it } from "node:test";
import { Virtqueue } from "../../src/machine/v86-virtqueue.js";
import { GuestMemory, GuestQueue, INDIRECT, NEXT, WRITE } from "./guest-rings.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const MiB = 1024 * 1024;

describe("a queue of a virtio device", () => {
  let memory: GuestMemory;
  let guest: GuestQueue;
  let queue: Virtqueue;

  beforeEach(() => {
    memory = new GuestMemory();
    guest = new GuestQueue(memory, 8);
    queue = new Virtqueue(guest);
  });

  it("offers nothing before the guest's driver has set it up", () => {
    guest.offer(bytes(1));
    guest.isConfigured = false;
    expect(queue.offered).to.equal(false);
    expect(queue.take()).to.equal(undefined);
    expect(queue.put(bytes(1))).to.equal(undefined);
  });

  it("takes what the guest sends, in as many buffers as it likes", () => {
    guest.offer(bytes(1, 2), bytes(3), bytes());
    guest.offer(bytes(4));
    expect(queue.take()).to.deep.equal(bytes(1, 2, 3));
    expect(queue.take()).to.deep.equal(bytes(4));
    expect(queue.take()).to.equal(undefined);
    expect(guest.completed()).to.have.length(0);
    queue.flush();
    expect(guest.completed()).to.have.length(2);
    expect(guest.interrupts).to.equal(1);
  });

  it("takes a table of buffers", () => {
    const table = memory.allocate(48);
    const text = memory.allocate(16);
    memory.write_blob(bytes(7, 8, 9), text);
    memory.describe(table, 0, { address: text, bytes: 2, flags: NEXT, next: 2 });
    memory.describe(table, 2, { address: text + 2, bytes: 1 });
    memory.describe(guest.desc_addr, 0, { address: table, bytes: 48, flags: INDIRECT });
    guest.makeAvailable(0);
    expect(queue.take()).to.deep.equal(bytes(7, 8, 9));
  });

  it("puts bytes into the guest's buffers, and says how many went in", () => {
    guest.offer({ room: 3 });
    guest.offer({ room: 2 }, { room: 2 });
    expect(queue.put(bytes(1, 2, 3, 4))).to.equal(3);
    expect(queue.put(bytes(5))).to.equal(1);
    expect(queue.put(bytes(6))).to.equal(undefined);
    queue.flush();
    expect(guest.completed()).to.deep.equal([bytes(1, 2, 3), bytes(5)]);
  });

  it("goes round the ring", () => {
    for (let turn = 0; turn < 70_000; turn++) {
      guest.offer(bytes());
      if (!queue.take()) throw new Error(`lost at ${turn}`);
      queue.flush();
    }
    expect(guest.completed()).to.have.length(70_000 % 65_536);
  });

  const hostile: Record<string, () => void> = {
    "a buffer behind the end of memory": () =>
      memory.describe(guest.desc_addr, 0, { address: memory.bytes.length - 1, bytes: 2 }),
    "a buffer above 4 GiB": () =>
      memory.describe(guest.desc_addr, 0, { address: 4096, high: 1, bytes: 2 }),
    "a length of 4 GiB": () =>
      memory.describe(guest.desc_addr, 0, { address: 4096, bytes: 0xffffffff }),
    "more than 1 MiB": () => memory.describe(guest.desc_addr, 0, { address: 4096, bytes: MiB + 1 }),
    "a chain that bites its tail": () => {
      memory.describe(guest.desc_addr, 0, { address: 4096, bytes: 1, flags: NEXT, next: 1 });
      memory.describe(guest.desc_addr, 1, { address: 4096, bytes: 1, flags: NEXT, next: 0 });
    },
    "a chain that leaves the table": () =>
      memory.describe(guest.desc_addr, 0, { address: 4096, bytes: 1, flags: NEXT, next: 8 }),
    "a buffer for the device to write": () =>
      memory.describe(guest.desc_addr, 0, { address: 4096, bytes: 1, flags: WRITE }),
    "a table in a table": () => {
      const table = memory.allocate(16);
      memory.describe(table, 0, { address: table, bytes: 16, flags: INDIRECT });
      memory.describe(guest.desc_addr, 0, { address: table, bytes: 16, flags: INDIRECT });
    },
    "a table without end": () => {
      const table = memory.allocate(16);
      memory.describe(table, 0, { address: 4096, bytes: 0, flags: NEXT, next: 0 });
      memory.describe(guest.desc_addr, 0, { address: table, bytes: 3 * MiB, flags: INDIRECT });
    },
    "an empty table": () =>
      memory.describe(guest.desc_addr, 0, { address: 4096, bytes: 0, flags: INDIRECT }),
  };
  for (const [what, describe] of Object.entries(hostile))
    it(`takes nothing of ${what}, and goes on`, () => {
      describe();
      guest.makeAvailable(0);
      expect(queue.take()).to.deep.equal(bytes());
      memory.describe(guest.desc_addr, 0, { address: 4096, bytes: 2 });
      guest.makeAvailable(0);
      expect(queue.take()).to.have.length(2);
    });

  it("puts nothing where the guest does not want it written, or has no memory", () => {
    guest.offer(bytes(1, 2));
    memory.describe(guest.desc_addr, 1, {
      address: memory.bytes.length - 1,
      bytes: 2,
      flags: WRITE,
    });
    guest.makeAvailable(1);
    expect(queue.put(bytes(3))).to.equal(0);
    expect(queue.put(bytes(3))).to.equal(0);
  });

  it("takes nothing of a descriptor that does not exist", () => {
    guest.makeAvailable(8);
    expect(queue.take()).to.deep.equal(bytes());
  });

  it("believes in no more chains than the ring has places", () => {
    guest.claim(9);
    expect(queue.offered).to.equal(false);
    expect(queue.take()).to.equal(undefined);
  });
});
