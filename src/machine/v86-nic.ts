/**
 * A virtio network card for v86 (0.5.462): on v86's own virtio transport, because v86 makes only one card, has no link
 * state, and drops what arrives while the guest has no buffer. Saved with a state in the slot of v86's own cards.
 *
 * @see Virtual I/O Device 1.2, 5.1 Network Device; v86, src/virtio.js
 */

/** Feature bits (5.1.3). */
const GUEST_CSUM = 1;
const MAC = 5;
const STATUS = 16;
const CTRL_VQ = 17;
const CTRL_MAC_ADDR = 23;
const VERSION_1 = 32;
/** Status field (5.1.4): the cable is plugged in. */
const LINK_UP = 1;
/** Before each frame (5.1.6), with `num_buffers` at its end. */
const HEADER_BYTES = 12;
/** Header flag: the checksums are right, the guest need not look. */
const DATA_VALID = 2;
/** Control queue (5.1.6.5): class MAC, command "set the address"; and the answers. */
const SET_ADDRESS = [1, 1] as const;
const OK = 0;
const ERROR = 1;
/** Device status (2.1): the driver is ready. Frames before that would leave it with a queue it does not know. */
const DRIVER_OK = 4;
const QUEUE = { receive: 0, send: 1, control: 2 };
/** Non-transitional network device (5.1.1). */
const DEVICE_ID = 0x1041;
/** Frames kept while the guest has no buffer for them; a real card drops as well. */
const MAX_BACKLOG = 1024;
/** Longest Ethernet frame without its checksum, with a VLAN tag. */
const MAX_FRAME_BYTES = 1518;

/** What of v86's virtio transport is used here. */
export interface Transport {
  readonly queues: readonly Queue[];
  readonly device_status: number;
  notify_config_changes(): void;
  reset(): void;
  set_state(state: unknown): void;
}

export interface Queue {
  is_configured(): boolean;
  has_request(): boolean;
  pop_request(): BufferChain;
  push_reply(chain: BufferChain): void;
  flush_replies(): void;
}

interface BufferChain {
  readonly length_readable: number;
  get_next_blob(into: Uint8Array): void;
  set_next_blob(from: Uint8Array): void;
}

export type TransportConstructor = new (cpu: unknown, options: object) => Transport;

/** Where a card sits; the lower slot is the guest's eth0. */
export interface NicPlace {
  readonly name: string;
  /** PCI slot */
  readonly slot: number;
  /** first of four ranges of 256 I/O ports, until the guest's firmware places them anew */
  readonly ports: number;
  /** 6 bytes */
  readonly mac: Uint8Array;
}

export class VirtioNic {
  readonly #transport: Transport;
  readonly #onFrame: (frame: Uint8Array<ArrayBuffer>) => void;
  #mac: Uint8Array;
  #status = 0;
  #backlog: Uint8Array[] = [];

  /** @param onFrame gets each frame that the guest sends, in a buffer of its own; not called while unplugged */
  constructor(
    constructor: TransportConstructor,
    cpu: unknown,
    place: NicPlace,
    onFrame: (frame: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#onFrame = onFrame;
    this.#mac = place.mac;
    const field = (bytes: number, name: string, read: () => number) => ({
      ...{ bytes, name, read },
      write: () => undefined,
    });
    this.#transport = new constructor(cpu, {
      name: place.name,
      pci_id: place.slot << 3,
      device_id: DEVICE_ID,
      subsystem_device_id: 1,
      common: {
        initial_port: place.ports,
        queues: [
          { size_supported: 1024, notify_offset: QUEUE.receive },
          { size_supported: 1024, notify_offset: QUEUE.send },
          { size_supported: 16, notify_offset: QUEUE.control },
        ],
        features: [GUEST_CSUM, MAC, STATUS, CTRL_VQ, CTRL_MAC_ADDR, VERSION_1],
        on_driver_ok: () => undefined,
      },
      notification: {
        initial_port: place.ports + 0x100,
        single_handler: false,
        handlers: [() => this.#deliver(), () => this.#send(), () => this.#control()],
      },
      isr_status: { initial_port: place.ports + 0x200 },
      device_specific: {
        initial_port: place.ports + 0x300,
        struct: [
          ...[0, 1, 2, 3, 4, 5].map((at) => field(1, `mac_${at}`, () => this.#mac[at] ?? 0)),
          field(2, "status", () => this.#status),
        ],
      },
    });
  }

  /** Whether the cable is plugged in. */
  get plugged(): boolean {
    return (this.#status & LINK_UP) !== 0;
  }

  set plugged(plugged: boolean) {
    if (plugged === this.plugged) return;
    this.#status = plugged ? LINK_UP : 0;
    if (!plugged) this.#backlog = [];
    this.#transport.notify_config_changes();
  }

  /** A frame for the guest; not changed any more by the caller. */
  receive(frame: Uint8Array): void {
    if (!this.plugged || !this.#queue(QUEUE.receive) || frame.length > MAX_FRAME_BYTES) return;
    if (this.#backlog.length < MAX_BACKLOG) this.#backlog.push(frame);
    this.#deliver();
  }

  /** v86 calls these three: when the machine is reset, saved and restored. */
  reset(): void {
    this.#backlog = [];
    this.#transport.reset();
  }

  get_state(): [Transport, number, Uint8Array] {
    return [this.#transport, this.#status, this.#mac];
  }

  set_state([transport, status, mac]: [unknown, number, Uint8Array]): void {
    this.#transport.set_state(transport);
    this.#status = status;
    this.#mac = mac;
    this.#backlog = [];
  }

  #queue(number: number): Queue | undefined {
    const queue = this.#transport.queues[number];
    const isReady = (this.#transport.device_status & DRIVER_OK) !== 0;
    return isReady && queue?.is_configured() ? queue : undefined;
  }

  /** Called for each frame, and when the guest has new buffers. */
  #deliver(): void {
    const queue = this.#queue(QUEUE.receive);
    if (!queue || this.#backlog.length === 0) return;
    let delivered = 0;
    while (delivered < this.#backlog.length && queue.has_request()) {
      const frame = this.#backlog[delivered++] ?? new Uint8Array();
      const bytes = new Uint8Array(HEADER_BYTES + frame.length);
      bytes[0] = DATA_VALID;
      bytes[10] = 1;
      bytes.set(frame, HEADER_BYTES);
      const chain = queue.pop_request();
      chain.set_next_blob(bytes);
      queue.push_reply(chain);
    }
    this.#backlog.splice(0, delivered);
    if (delivered > 0) queue.flush_replies();
  }

  #send(): void {
    this.#each(QUEUE.send, (bytes) => {
      if (this.plugged && bytes.length > HEADER_BYTES) this.#onFrame(bytes.slice(HEADER_BYTES));
    });
  }

  #control(): void {
    this.#each(QUEUE.control, (bytes, chain) => {
      const known = bytes[0] === SET_ADDRESS[0] && bytes[1] === SET_ADDRESS[1];
      if (known && bytes.length >= 8) this.#mac = bytes.slice(2, 8);
      chain.set_next_blob(new Uint8Array([known ? OK : ERROR]));
    });
  }

  #each(number: number, handle: (bytes: Uint8Array, chain: BufferChain) => void): void {
    const queue = this.#queue(number);
    if (!queue) return;
    while (queue.has_request()) {
      const chain = queue.pop_request();
      // Its descriptors may claim gigabytes; what is longer than any frame is taken for nothing.
      const isFrame = chain.length_readable <= HEADER_BYTES + MAX_FRAME_BYTES;
      const bytes = new Uint8Array(isFrame ? chain.length_readable : 0);
      chain.get_next_blob(bytes);
      handle(bytes, chain);
      queue.push_reply(chain);
    }
    queue.flush_replies();
  }
}
