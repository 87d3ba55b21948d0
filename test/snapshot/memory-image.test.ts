import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import { MemoryImage, partsOf, type StoppedMachine } from "../../src/snapshot/memory-image.js";
import { PAGE_BYTES } from "../../src/snapshot/shared-pages.js";

const PAGES = 24;

/** A machine whose memory can be written to. */
class FakeMachine implements StoppedMachine {
  readonly memory = new Uint8Array(PAGES * PAGE_BYTES);
  devices = new ArrayBuffer(PAGE_BYTES + 10);

  readonly isZero = (page: number) =>
    this.memory.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES).every((byte) => byte === 0);
}

function expectImageOf(image: MemoryImage, machine: FakeMachine): void {
  const { memory, devices } = machine;
  const parts = partsOf(image.pages, memory.length, devices.byteLength);
  const restored = new Uint8Array(memory.length);
  for (const { address, content } of parts.memory) restored.set(content, address);
  expect(restored).to.deep.equal(memory);
  expect(new Uint8Array(parts.devices)).to.deep.equal(new Uint8Array(devices));
  for (const [number, page] of image.pages)
    expect(
      page.some((byte) => byte !== 0),
      `page ${number} is worth keeping`,
    ).to.equal(true);
}

describe("the image of a machine", () => {
  it("has nothing of a machine that is all zeros", () => {
    const image = new MemoryImage();
    expect(image.changes(new FakeMachine()).size).to.equal(0);
    expect(image.pages.size).to.equal(0);
  });

  it("finds a change of any single bit, and of no other page", () => {
    const machine = new FakeMachine();
    machine.memory.fill(0xa5);
    const image = new MemoryImage();
    image.apply(image.changes(machine));
    expect(image.pages.size).to.equal(PAGES);
    fc.assert(
      fc.property(fc.nat(PAGES * PAGE_BYTES - 1), fc.nat(7), (at, bit) => {
        machine.memory[at] = (machine.memory[at] ?? 0) ^ (1 << bit);
        const changes = image.changes(machine);
        expect([...changes.keys()]).to.deep.equal([Math.floor(at / PAGE_BYTES)]);
        image.apply(changes);
        expect(image.changes(machine).size).to.equal(0);
      }),
    );
  });

  it("keeps copies, and is as it was until changes are applied", () => {
    const machine = new FakeMachine();
    machine.memory[PAGE_BYTES] = 1;
    const image = new MemoryImage();
    const changes = image.changes(machine);
    expect(image.pages.size).to.equal(0);
    machine.memory[PAGE_BYTES] = 2;
    image.apply(changes);
    expect(image.pages.get(1)?.[0]).to.equal(1);
    expect([...image.changes(machine).keys()]).to.deep.equal([1]);
  });

  it("finds what the devices hold, also when it becomes more or less", () => {
    const machine = new FakeMachine();
    const image = new MemoryImage();
    for (const bytes of [10, 3 * PAGE_BYTES, 2 * PAGE_BYTES + 1, 0, PAGE_BYTES]) {
      machine.devices = new Uint8Array(bytes).fill(7).buffer;
      image.apply(image.changes(machine));
      expectImageOf(image, machine);
    }
  });

  it("is the machine after any changes, and after it began with what another one left", () => {
    const write = fc.record({
      at: fc.nat(PAGES * PAGE_BYTES - 1),
      length: fc.integer({ min: 1, max: 3 * PAGE_BYTES }),
      byte: fc.constantFrom(0, 0, 1, 255),
    });
    const look = fc.constant("look" as const);
    const handOver = fc.constant("hand over" as const);
    fc.assert(
      fc.property(fc.array(fc.oneof(write, look, handOver), { maxLength: 40 }), (steps) => {
        const machine = new FakeMachine();
        let image = new MemoryImage();
        for (const step of steps) {
          if (typeof step === "object")
            machine.memory.fill(step.byte, step.at, step.at + step.length);
          else {
            if (step === "hand over") image = new MemoryImage(image.pages);
            image.apply(image.changes(machine));
            expectImageOf(image, machine);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
