/**
 * A virtio console with many ports for v86 (0.5.462), in the place of v86's own: on v86's own virtio transport, because
 * v86's console drops what arrives while the guest has no buffer, takes all that the guest writes, and tells no end of
 * anything. Port 0 is the console hvc0; all others are raw character devices (/dev/vportNpM). Saved with a state in the
 * slot of v86's console.
 *
 * @see Virtual I/O Device 1.2, 5.3 Console Device; Linux, drivers/char/virtio_console.c; v86, src/virtio_console.js
 */
import { type Deferred, deferred } from "../common/deferred.js";
import { MachineError } from "./errors.js";
import { DISCARD, type PortEnd, type SerialPort } from "./serial-port.js";
import type { Transport, TransportConstructor } from "./v86-nic.js";
import { type TransportQueue, Virtqueue } from "./v86-virtqueue.js";

/** Feature bits (5.3.3, 6). With tables of descriptors, what Linux splices of a file always fits into the ring. */
const MULTIPORT = 1;
const INDIRECT_DESC = 28;
const VERSION_1 = 32;
/** Non-transitional console device (5.3.1). */
const DEVICE_ID = 0x1043;
const SUBSYSTEM_ID = 3;
/** Device status (2.1): the driver is ready. */
const DRIVER_OK = 4;
/** Control messages (5.3.6.2), of 8 bytes: port, event, value. */
const EVENT = {
  deviceReady: 0,
  deviceAdd: 1,
  deviceRemove: 2,
  portReady: 3,
  consolePort: 4,
  portOpen: 6,
  portName: 7,
};
const MESSAGE_BYTES = 8;
/** Numbers of the control queues, which stand behind those of port 0 (5.3.2). */
const CONTROL = { toGuest: 2, fromGuest: 3 };
const CONTROL_RING = 16;
const CONSOLE = 0;
/** Where v86's own console sits: its slot, and the first of each of four ranges of I/O ports. */
const PLACE = { slot: 0x0c, common: 0xb800, notification: 0xb900, isr: 0xb700, config: 0xb600 };

/**
 * How many buffers the guest's driver may have under way for a port, powers of two: of one page each to the guest, which
 * are always allocated, and of at most 64 KiB from it.
 */
export interface PortRings {
  readonly toGuest: number;
  readonly fromGuest: number;
}

export interface SerialOptions {
  /** of each port by its number; the first is the console */
  readonly rings: readonly PortRings[];
  /** what /sys/class/virtio-ports/…/name says of a port that is not the console */
  readonly name: (port: number) => string;
  /** how many ports the guest is given when its driver starts */
  readonly present: number;
  /** runs what v86 or the host calls; keeps exceptions from v86 */
  readonly guard: (action: () => void) => void;
}

type SerialTransport = Transport & { readonly queues: readonly TransportQueue[] };

export class VirtioSerial {
  readonly ports: readonly SerialPort[];
  readonly #options: SerialOptions;
  readonly #transport: SerialTransport;
  readonly #ports: readonly Port[];
  readonly #toGuest: Virtqueue;
  readonly #fromGuest: Virtqueue;
  /** control messages that the guest has no buffer for yet */
  #messages: Uint8Array[] = [];

  constructor(constructor: TransportConstructor, cpu: unknown, options: SerialOptions) {
    this.#options = options;
    const { rings, guard } = options;
    const field = (name: string, bytes: number, value: number) => ({
      ...{ name, bytes },
      read: () => value,
      write: () => undefined,
    });
    const pair = (toGuest: number, fromGuest: number, notify: number) => [
      { size_supported: toGuest, notify_offset: notify },
      { size_supported: fromGuest, notify_offset: notify + 1 },
    ];
    const queues = rings.flatMap(({ toGuest, fromGuest }) => pair(toGuest, fromGuest, 0));
    queues.splice(CONTROL.toGuest, 0, ...pair(CONTROL_RING, CONTROL_RING, 2));
    this.#transport = new constructor(cpu, {
      name: "serial",
      pci_id: PLACE.slot << 3,
      device_id: DEVICE_ID,
      subsystem_device_id: SUBSYSTEM_ID,
      common: {
        initial_port: PLACE.common,
        queues,
        features: [MULTIPORT, INDIRECT_DESC, VERSION_1],
        on_driver_ok: () => undefined,
      },
      notification: {
        initial_port: PLACE.notification,
        single_handler: false,
        handlers: [
          (queue: number) => guard(() => this.#portOf(queue)?.pumpOut()),
          (queue: number) => guard(() => this.#portOf(queue)?.pumpIn()),
          () => guard(() => this.#sendMessages()),
          () => guard(() => this.#control()),
        ],
      },
      isr_status: { initial_port: PLACE.isr },
      device_specific: {
        initial_port: PLACE.config,
        struct: [
          field("cols", 2, 0),
          field("rows", 2, 0),
          field("max_nr_ports", 4, rings.length),
          field("emerg_wr", 4, 0),
        ],
      },
    }) as SerialTransport;
    const virtqueue = (number: number) => {
      const queue = this.#transport.queues[number];
      if (!queue) throw new RangeError(`The transport has no queue ${number}.`);
      return new Virtqueue(queue);
    };
    this.#toGuest = virtqueue(CONTROL.toGuest);
    this.#fromGuest = virtqueue(CONTROL.fromGuest);
    this.#ports = rings.map((_, number) => {
      const at = number === CONSOLE ? 0 : 2 * number + 2;
      return new Port(number, virtqueue(at), virtqueue(at + 1), {
        guard,
        isReady: () => this.#isReady,
        tell: (event, value, name) => guard(() => this.#tell(number, event, value, name)),
        name: () => (number === CONSOLE ? undefined : options.name(number)),
      });
    });
    this.ports = this.#ports;
  }

  /** v86 calls these three: when the machine is reset, saved and restored. */
  reset(): void {
    this.#messages = [];
    for (const port of this.#ports) port.reset();
    this.#transport.reset();
  }

  get_state(): unknown[] {
    return [this.#transport, this.#messages, this.#ports.map((port) => port.state)];
  }

  /** Whoever used the ports is gone; what is written to them is discarded until somebody uses them again. */
  set_state([transport, messages, ports]: [unknown, Uint8Array[], PortState[]]): void {
    this.#transport.set_state(transport);
    this.#messages = messages;
    for (const [number, port] of this.#ports.entries()) {
      const state = ports[number];
      if (state) port.state = state;
    }
  }

  get #isReady(): boolean {
    return (this.#transport.device_status & DRIVER_OK) !== 0;
  }

  /** @param queue number of a queue that is none of the control queues */
  #portOf(queue: number): Port | undefined {
    return this.#ports[queue < CONTROL.toGuest ? CONSOLE : (queue >> 1) - 1];
  }

  #tell(port: number, event: number, value: number, name = ""): void {
    const text = new TextEncoder().encode(name);
    const message = new Uint8Array(MESSAGE_BYTES + text.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, port, true);
    view.setUint16(4, event, true);
    view.setUint16(6, value, true);
    message.set(text, MESSAGE_BYTES);
    this.#messages.push(message);
    this.#sendMessages();
  }

  #sendMessages(): void {
    if (!this.#isReady) return;
    let sent = 0;
    for (const message of this.#messages) {
      if (this.#toGuest.put(message) === undefined) break;
      sent++;
    }
    this.#messages.splice(0, sent);
    if (sent > 0) this.#toGuest.flush();
  }

  #control(): void {
    for (;;) {
      const message = this.#fromGuest.take();
      if (!message) break;
      if (message.length < MESSAGE_BYTES) continue;
      const view = new DataView(message.buffer);
      this.#heard(view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true));
    }
    this.#fromGuest.flush();
  }

  #heard(number: number, event: number, value: number): void {
    if (event === EVENT.deviceReady)
      for (const port of this.#ports) {
        port.reset();
        if (port.number < this.#options.present || port.isAwaited) port.add();
      }
    else if (event === EVENT.portReady) this.#ports[number]?.answered(value === 1);
    else if (event === EVENT.portOpen) this.#ports[number]?.guestOpened(value === 1);
  }
}

/** How far the guest's driver knows a port. */
enum Link {
  /** it has no device */
  absent,
  /** it was told to make one */
  adding,
  /** it was told that our end is open */
  opening,
  /** it knows */
  open,
  /** it was told that our end is closed */
  finished,
}

/** What of a port is in a state: link, questions under way, open, closing; and bytes to send. */
const LINKS: readonly Link[] = [Link.absent, Link.adding, Link.opening, Link.open];

type PortState = [Uint8Array, Uint8Array[]];

interface PortDevice {
  guard(action: () => void): void;
  /** whether the guest's driver is there */
  isReady(): boolean;
  tell(event: number, value: number, name?: string): void;
  /** `undefined` for the console */
  name(): string | undefined;
}

class Port implements SerialPort {
  #link = Link.absent;
  /**
   * How many answers are to come. The driver answers DEVICE_ADD with PORT_READY also when it has the port; in order, so
   * that it knows by then whatever it was told before.
   */
  #asked = 0;
  /** a process of the guest has it open */
  #isOpen = false;
  /** it has it open no more, and not all that was written is received */
  #isClosing = false;
  #unsent: Uint8Array[] = [];
  #end: PortEnd = DISCARD;
  #awaited = deferred();
  #isAwaited = false;

  constructor(
    readonly number: number,
    private readonly toGuest: Virtqueue,
    private readonly fromGuest: Virtqueue,
    private readonly device: PortDevice,
  ) {}

  get isOpen(): boolean {
    return this.#isOpen || this.#isClosing;
  }

  /** Whether somebody waits until it is ready. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  get state(): PortState {
    const flags = [this.#link, this.#asked, Number(this.#isOpen), Number(this.#isClosing)];
    return [Uint8Array.from(flags), this.#unsent];
  }

  set state([[link, asked, isOpen, isClosing], unsent]: PortState) {
    this.#link = LINKS[link ?? 0] ?? Link.absent;
    this.#asked = asked ?? 0;
    this.#isOpen = isOpen === 1;
    this.#isClosing = isClosing === 1;
    this.#unsent = unsent;
    this.#end = DISCARD;
  }

  /** The guest's driver knows nothing of it. */
  reset(): void {
    this.#link = Link.absent;
    this.#asked = 0;
    this.#isClosing = false;
    this.#unsent = [];
    const { isOpen } = this;
    this.#isOpen = false;
    if (isOpen) this.#end.closed();
  }

  add(): void {
    if (this.#link !== Link.absent) return;
    this.#link = Link.adding;
    this.#ask();
  }

  ready(): Promise<void> {
    if (this.#link === Link.open) return Promise.resolve();
    this.#isAwaited = true;
    if (this.#link === Link.finished && !this.#isOpen) this.#open();
    if (this.device.isReady()) this.add();
    return this.#awaited.promise;
  }

  use(end: PortEnd): void {
    this.#end = end;
    this.resume();
  }

  send(bytes: Uint8Array): void {
    this.#unsent.push(bytes);
    this.device.guard(() => this.pumpOut());
  }

  resume(): void {
    this.device.guard(() => this.pumpIn());
  }

  finish(): void {
    if (this.#link < Link.opening || this.#link === Link.finished) return;
    this.#link = Link.finished;
    this.device.tell(EVENT.portOpen, 0);
  }

  hangUp(): void {
    this.#unsent = [];
    if (this.#link <= Link.adding) return;
    this.#link = Link.adding;
    this.device.tell(EVENT.deviceRemove, 1);
    this.#ask();
    const { isOpen } = this;
    this.#isOpen = false;
    this.#isClosing = false;
    if (isOpen) this.#end.closed();
  }

  #ask(): void {
    this.#asked++;
    this.device.tell(EVENT.deviceAdd, 1);
  }

  #open(): void {
    this.#link = Link.opening;
    this.device.tell(EVENT.portOpen, 1);
    this.#ask();
  }

  /** @param succeeded whether the guest's driver has the port */
  answered(succeeded: boolean): void {
    if (this.#asked === 0 || --this.#asked > 0) return;
    if (!succeeded) {
      this.#link = Link.absent;
      this.#settle().reject(new MachineError("The router could not make a serial port."));
    } else if (this.#link === Link.adding) {
      const name = this.device.name();
      if (name === undefined) this.device.tell(EVENT.consolePort, 1);
      else this.device.tell(EVENT.portName, 1, name);
      this.#open();
    } else if (this.#link === Link.opening) {
      this.#link = Link.open;
      this.#settle().resolve();
    }
  }

  /** @returns what those who wait until it is ready wait for; whoever comes later waits for something else */
  #settle(): Deferred<void> {
    const awaited = this.#awaited;
    this.#awaited = deferred();
    this.#isAwaited = false;
    return awaited;
  }

  guestOpened(isOpen: boolean): void {
    // What it says of a device that is being taken away is over.
    if (this.#link <= Link.adding) return;
    this.#isOpen = isOpen;
    this.#isClosing = !isOpen;
    if (isOpen) {
      this.#end.opened();
      return this.pumpOut();
    }
    this.#unsent = [];
    if (this.#link === Link.finished) this.#open();
    this.pumpIn();
  }

  /** Moves bytes into the guest's buffers, as far as it offers any. */
  pumpOut(): void {
    if (this.#unsent.length === 0 || !this.#isOpen || !this.#isUsable) return;
    let put = 0;
    for (let next = this.#unsent[0]; next; next = this.#unsent[0]) {
      const count = this.toGuest.put(next);
      if (count === undefined) break;
      put += count;
      if (count === next.length) this.#unsent.shift();
      else this.#unsent[0] = next.subarray(count);
    }
    if (put > 0) this.toGuest.flush();
    if (this.#unsent.length === 0) this.#end.sent();
  }

  /** Takes what the guest wrote, as far as it is wanted. */
  pumpIn(): void {
    if (!this.#isUsable) return;
    let taken = 0;
    while (this.#end.wants()) {
      const bytes = this.fromGuest.take();
      if (!bytes) break;
      taken++;
      if (bytes.length > 0) this.#end.receive(bytes);
    }
    if (taken > 0) this.fromGuest.flush();
    if (!this.#isClosing || this.fromGuest.offered) return;
    this.#isClosing = false;
    this.#end.closed();
  }

  /** The queues belong to the driver alone while it makes a device or takes it away. */
  get #isUsable(): boolean {
    return this.device.isReady() && this.#link > Link.adding;
  }
}
