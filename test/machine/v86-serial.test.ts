import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DISCARD, type PortEnd, type SerialPort } from "../../src/machine/serial-port.js";
import { VirtioSerial } from "../../src/machine/v86-serial.js";
import { GuestDriver } from "./guest-rings.js";

const ADD = 1;
const REMOVE = 2;
const READY = 3;
const CONSOLE = 4;
const OPEN = 6;
const NAME = 7;
const TO_GUEST = 2;
const FROM_GUEST = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Lets promises go on. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** A device with a console, one port that is present, and one that is not; and a guest like Linux. */
class Machine {
  readonly guest = new GuestDriver();
  readonly errors: unknown[] = [];
  readonly device: VirtioSerial;

  constructor() {
    const ring = { toGuest: 2, fromGuest: 2 };
    this.device = new VirtioSerial(this.guest.transport, this.guest.memory, {
      rings: [ring, ring, ring],
      name: (port) => `port.${port}`,
      present: 2,
      guard: (action) => {
        try {
          action();
        } catch (error) {
          this.errors.push(error);
        }
      },
    });
  }

  port(number: number): SerialPort {
    const port = this.device.ports[number];
    if (!port) throw new RangeError(`There is no port ${number}.`);
    return port;
  }

  /** Gives the device buffers for its control messages. */
  listen(count = 16): void {
    for (let at = 0; at < count; at++) this.guest.queue(TO_GUEST).offer({ room: 100 });
    this.guest.notify(TO_GUEST);
  }

  /**
   * The control messages since the last call: port, event, value, and text.
   *
   * @param refill whether their buffers are given back
   */
  heard(refill = true): (number | string)[][] {
    const messages = this.guest.queue(TO_GUEST).completed();
    if (refill) this.listen(messages.length);
    return messages.map((message) => {
      const view = new DataView(message.buffer);
      const fields = [view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true)];
      return message.length === 8 ? fields : [...fields, decoder.decode(message.subarray(8))];
    });
  }

  say(port: number, event: number, value: number): void {
    const message = new DataView(new ArrayBuffer(8));
    message.setUint32(0, port, true);
    message.setUint16(4, event, true);
    message.setUint16(6, value, true);
    this.sayBytes(new Uint8Array(message.buffer));
  }

  sayBytes(message: Uint8Array): void {
    this.guest.queue(FROM_GUEST).offer(message);
    this.guest.notify(FROM_GUEST);
  }

  /** The guest's driver starts, and makes the ports that it is told of. */
  start(): void {
    this.listen();
    this.say(0, 0, 1);
    for (const port of [0, 1]) {
      this.say(port, READY, 1);
      this.say(port, READY, 1);
    }
    this.heard();
  }

  /** A process writes. */
  write(port: number, text: string): void {
    this.guest.queue(2 * port + 3).offer(encoder.encode(text));
    this.guest.notify(2 * port + 3);
  }

  /** The driver has a buffer for what a process reads. */
  read(port: number, room: number): void {
    this.guest.queue(2 * port + 2).offer({ room });
    this.guest.notify(2 * port + 2);
  }

  /** What processes have read. */
  got(port: number): string[] {
    return this.guest
      .queue(2 * port + 2)
      .completed()
      .map((bytes) => decoder.decode(bytes));
  }
}

/** Notes what an end is told. */
class Notes implements PortEnd {
  readonly told: string[] = [];
  isWanted = true;

  wants(): boolean {
    return this.isWanted;
  }
  receive(bytes: Uint8Array): void {
    this.told.push(decoder.decode(bytes));
  }
  sent(): void {
    this.told.push("(sent)");
  }
  opened(): void {
    this.told.push("(opened)");
  }
  closed(): void {
    this.told.push("(closed)");
  }
}

describe("the serial ports of a PC", () => {
  let machine: Machine;
  let notes: Notes;

  beforeEach(() => {
    machine = new Machine();
    notes = new Notes();
  });
  afterEach(() => {
    expect(machine.errors).to.deep.equal([]);
  });

  it("are made by the guest's driver when it starts", () => {
    machine.listen();
    expect(machine.heard()).to.deep.equal([]);
    machine.say(0, 0, 1);
    expect(machine.heard()).to.deep.equal([
      [0, ADD, 1],
      [1, ADD, 1],
    ]);
    machine.say(0, READY, 1);
    machine.say(1, READY, 1);
    expect(machine.heard()).to.deep.equal([
      [0, CONSOLE, 1],
      [0, OPEN, 1],
      [0, ADD, 1],
      [1, NAME, 1, "port.1"],
      [1, OPEN, 1],
      [1, ADD, 1],
    ]);
  });

  it("wait with control messages for the guest's buffers", () => {
    machine.listen(1);
    machine.say(0, 0, 1);
    expect(machine.heard(false)).to.deep.equal([[0, ADD, 1]]);
    machine.listen(1);
    expect(machine.heard()).to.deep.equal([[1, ADD, 1]]);
  });

  it("are added when somebody needs them, and ready when the guest knows that they are open", async () => {
    machine.start();
    let isReady = false;
    const ready = machine.port(2).ready();
    void ready.then(() => (isReady = true));
    expect(machine.heard()).to.deep.equal([[2, ADD, 1]]);
    machine.say(2, READY, 1);
    expect(machine.heard()).to.deep.equal([
      [2, NAME, 1, "port.2"],
      [2, OPEN, 1],
      [2, ADD, 1],
    ]);
    await turn();
    expect(isReady).to.equal(false);
    machine.say(2, READY, 1);
    await ready;
    await machine.port(2).ready();
  });

  it("are added when the driver starts, if somebody needed them before", async () => {
    machine.guest.status = 0;
    const ready = machine.port(2).ready();
    machine.guest.status = 4;
    machine.start();
    machine.say(2, READY, 1);
    machine.say(2, READY, 1);
    await ready;
  });

  it("say that the guest cannot make one, and can be asked again", async () => {
    machine.start();
    const failed = machine.port(2).ready();
    machine.say(2, READY, 0);
    await failed.then(
      () => expect.fail("it was made"),
      (error: unknown) => expect(String(error)).to.contain("could not make a serial port"),
    );
    const ready = machine.port(2).ready();
    machine.say(2, READY, 1);
    machine.say(2, READY, 1);
    await ready;
  });

  it("give what the guest writes, and tell of its end after the last byte", () => {
    machine.start();
    machine.port(1).use(notes);
    machine.say(1, OPEN, 1);
    machine.write(1, "one");
    notes.isWanted = false;
    machine.write(1, "two");
    machine.say(1, OPEN, 0);
    expect(notes.told).to.deep.equal(["(opened)", "one"]);
    expect(machine.port(1).isOpen).to.equal(true);
    notes.isWanted = true;
    machine.port(1).resume();
    expect(notes.told).to.deep.equal(["(opened)", "one", "two", "(closed)"]);
    expect(machine.port(1).isOpen).to.equal(false);
  });

  it("leave in the guest's ring what nobody wants", () => {
    machine.start();
    machine.port(1).use(notes);
    machine.say(1, OPEN, 1);
    notes.isWanted = false;
    machine.write(1, "one");
    machine.write(1, "two");
    expect(machine.guest.queue(5).completed()).to.have.length(0);
    notes.isWanted = true;
    machine.port(1).resume();
    expect(machine.guest.queue(5).completed()).to.have.length(2);
  });

  it("discard what nobody uses", () => {
    machine.start();
    machine.say(1, OPEN, 1);
    machine.write(1, "lost");
    machine.port(1).use(notes);
    machine.write(1, "found");
    expect(notes.told).to.deep.equal(["found"]);
  });

  it("send when a process has it open and there is room", () => {
    machine.start();
    machine.port(1).use(notes);
    machine.read(1, 4);
    machine.port(1).send(encoder.encode("abcdef"));
    expect(machine.got(1)).to.deep.equal([]);
    machine.say(1, OPEN, 1);
    expect(machine.got(1)).to.deep.equal(["abcd"]);
    expect(notes.told).to.deep.equal(["(opened)"]);
    machine.read(1, 4);
    expect(machine.got(1)).to.deep.equal(["ef"]);
    expect(notes.told).to.deep.equal(["(opened)", "(sent)"]);
  });

  it("drop what a process did not read before it closed", () => {
    machine.start();
    machine.say(1, OPEN, 1);
    machine.port(1).send(encoder.encode("old"));
    machine.say(1, OPEN, 0);
    machine.say(1, OPEN, 1);
    machine.read(1, 10);
    machine.port(1).send(encoder.encode("new"));
    expect(machine.got(1)).to.deep.equal(["new"]);
  });

  it("tell a reader of the end, and are open again for the next one", async () => {
    machine.start();
    const port = machine.port(1);
    machine.say(1, OPEN, 1);
    port.finish();
    port.finish();
    expect(machine.heard()).to.deep.equal([[1, OPEN, 0]]);
    machine.say(1, OPEN, 0);
    expect(machine.heard()).to.deep.equal([
      [1, OPEN, 1],
      [1, ADD, 1],
    ]);
    machine.say(1, READY, 1);
    await port.ready();
  });

  it("are open again after an end that nobody read", async () => {
    machine.start();
    machine.port(1).finish();
    const ready = machine.port(1).ready();
    expect(machine.heard()).to.deep.equal([
      [1, OPEN, 0],
      [1, OPEN, 1],
      [1, ADD, 1],
    ]);
    machine.say(1, READY, 1);
    await ready;
  });

  it("are taken away from processes, and then as new", async () => {
    machine.start();
    const port = machine.port(1);
    port.use(notes);
    machine.say(1, OPEN, 1);
    port.send(encoder.encode("unread"));
    port.hangUp();
    expect(machine.heard()).to.deep.equal([
      [1, REMOVE, 1],
      [1, ADD, 1],
    ]);
    expect(port.isOpen).to.equal(false);
    // The driver takes its buffers back meanwhile: they must not be touched.
    machine.write(1, "late");
    machine.say(1, OPEN, 0);
    machine.read(1, 10);
    expect(notes.told).to.deep.equal(["(opened)", "(closed)"]);
    expect(machine.guest.queue(5).completed()).to.have.length(0);
    machine.say(1, READY, 1);
    machine.say(1, READY, 1);
    await port.ready();
    expect(machine.got(1)).to.deep.equal([]);
  });

  it("do not take the answer to an earlier question for that of a port that was taken away", () => {
    machine.listen();
    machine.say(0, 0, 1);
    machine.say(1, READY, 1);
    machine.port(1).hangUp();
    machine.heard();
    machine.say(1, READY, 1);
    expect(machine.heard()).to.deep.equal([]);
    machine.say(1, READY, 1);
    expect(machine.heard()).to.deep.equal([
      [1, NAME, 1, "port.1"],
      [1, OPEN, 1],
      [1, ADD, 1],
    ]);
  });

  it("go on from a state as they were, with nobody who uses them", () => {
    machine.start();
    machine.say(1, OPEN, 1);
    machine.port(1).send(encoder.encode("unread"));
    const state = structuredClone(machine.device.get_state().slice(1));
    const later = new Machine();
    later.device.set_state([undefined, ...state] as never);
    later.port(1).use(notes);
    expect(later.port(1).isOpen).to.equal(true);
    later.read(1, 10);
    expect(later.got(1)).to.deep.equal(["unread"]);
    later.write(1, "text");
    later.say(1, OPEN, 0);
    expect(notes.told).to.deep.equal(["(sent)", "text", "(closed)"]);
  });

  it("are gone when the machine is reset", () => {
    machine.start();
    machine.port(1).use(notes);
    machine.say(1, OPEN, 1);
    machine.device.reset();
    expect(notes.told).to.deep.equal(["(opened)", "(closed)"]);
  });

  it("ignore control messages that make no sense", () => {
    machine.start();
    machine.sayBytes(new Uint8Array(7));
    machine.say(99, READY, 1);
    machine.say(99, OPEN, 1);
    machine.say(1, 99, 1);
    machine.say(2, OPEN, 1);
    machine.say(1, READY, 1);
    expect(machine.heard()).to.deep.equal([]);
    expect(machine.port(2).isOpen).to.equal(false);
  });

  it("keep exceptions of who uses them from the emulator", () => {
    machine.start();
    const error = new Error("of the user");
    machine.port(1).use({
      ...DISCARD,
      receive: () => {
        throw error;
      },
    });
    machine.say(1, OPEN, 1);
    machine.write(1, "text");
    expect(machine.errors.splice(0)).to.deep.equal([error]);
  });
});
