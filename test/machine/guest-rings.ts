/**
 * The guest's side of virtio queues, in a memory of its own, and a transport like v86's between it and a device: the
 * descriptors and rings are as in Virtual I/O Device 1.2, 2.7.
 */
import type { Transport, TransportConstructor } from "../../src/machine/v86-nic.js";
import type { TransportQueue } from "../../src/machine/v86-virtqueue.js";

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;
const MEMORY_BYTES = 4 * 1024 * 1024;
const DRIVER_OK = 4;

/** A buffer that the guest offers: bytes for the device to read, or room for it to write. */
export type Offer = Uint8Array | { readonly room: number };

export class GuestMemory {
  readonly memory_size = Int32Array.of(MEMORY_BYTES);
  readonly bytes = new Uint8Array(MEMORY_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  #used = 4096;

  allocate(bytes: number): number {
    const at = this.#used;
    this.#used += Math.ceil(bytes / 16) * 16;
    return at;
  }

  read16(address: number): number {
    return this.view.getUint16(address, true);
  }

  read32s(address: number): number {
    return this.view.getInt32(address, true);
  }

  read_blob(address: number, bytes: number): Uint8Array {
    return this.bytes.subarray(address, address + bytes);
  }

  write_blob(bytes: Uint8Array, address: number): void {
    this.bytes.set(bytes, address);
  }

  /** Writes a descriptor. */
  describe(
    table: number,
    index: number,
    { address = 0, high = 0, bytes = 0, flags = 0, next = 0 },
  ): void {
    const at = table + 16 * index;
    this.view.setUint32(at, address, true);
    this.view.setUint32(at + 4, high, true);
    this.view.setUint32(at + 8, bytes, true);
    this.view.setUint16(at + 12, flags, true);
    this.view.setUint16(at + 14, next, true);
  }
}

/** A queue: what v86 has of it, and what the guest does with it. */
export class GuestQueue implements TransportQueue {
  readonly desc_addr: number;
  readonly #available: number;
  readonly #completed: number;
  avail_last_idx = 0;
  isConfigured = true;
  interrupts = 0;
  #staged = 0;
  #free = 0;
  #seen = 0;

  constructor(
    readonly cpu: GuestMemory,
    readonly size: number,
  ) {
    this.desc_addr = cpu.allocate(16 * size);
    this.#available = cpu.allocate(4 + 2 * size);
    this.#completed = cpu.allocate(4 + 8 * size);
  }

  // What the device sees of it.

  is_configured(): boolean {
    return this.isConfigured;
  }

  count_requests(): number {
    return (this.cpu.read16(this.#available + 2) - this.avail_last_idx) & 0xffff;
  }

  avail_get_entry(index: number): number {
    return this.cpu.read16(this.#available + 4 + 2 * (index % this.size));
  }

  push_reply({ head_idx, length_written }: { head_idx: number; length_written: number }): void {
    const index = this.cpu.read16(this.#completed + 2) + this.#staged++;
    const at = this.#completed + 4 + 8 * (index % this.size);
    this.cpu.view.setUint32(at, head_idx, true);
    this.cpu.view.setUint32(at + 4, length_written, true);
  }

  flush_replies(): void {
    if (this.#staged === 0) return;
    const index = this.cpu.read16(this.#completed + 2) + this.#staged;
    this.cpu.view.setUint16(this.#completed + 2, index, true);
    this.#staged = 0;
    this.interrupts++;
  }

  // What the guest does.

  /** Makes a chain of buffers available. */
  offer(...buffers: Offer[]): void {
    const head = this.#free % this.size;
    for (const [at, buffer] of buffers.entries()) {
      const isRoom = !(buffer instanceof Uint8Array);
      const bytes = isRoom ? buffer.room : buffer.length;
      const address = this.cpu.allocate(bytes);
      if (!isRoom) this.cpu.write_blob(buffer, address);
      const last = at === buffers.length - 1;
      const flags = (isRoom ? WRITE : 0) | (last ? 0 : NEXT);
      const next = (this.#free + 1) % this.size;
      this.cpu.describe(this.desc_addr, this.#free++ % this.size, { address, bytes, flags, next });
    }
    this.makeAvailable(head);
  }

  /** @param head number of a descriptor, which is there or not */
  makeAvailable(head: number): void {
    const index = this.cpu.read16(this.#available + 2);
    this.cpu.view.setUint16(this.#available + 4 + 2 * (index % this.size), head, true);
    this.cpu.view.setUint16(this.#available + 2, index + 1, true);
  }

  /** Says that so many chains more are available than there are. */
  claim(count: number): void {
    const index = this.cpu.read16(this.#available + 2);
    this.cpu.view.setUint16(this.#available + 2, index + count, true);
  }

  /** What the device has completed since the last call: of each chain, what was written to its first buffer. */
  completed(): Uint8Array[] {
    const until = this.cpu.read16(this.#completed + 2);
    const chains: Uint8Array[] = [];
    for (; this.#seen !== until; this.#seen = (this.#seen + 1) & 0xffff) {
      const at = this.#completed + 4 + 8 * (this.#seen % this.size);
      const head = this.cpu.read32s(at);
      const address = this.cpu.read32s(this.desc_addr + 16 * head);
      chains.push(this.cpu.read_blob(address, this.cpu.read32s(at + 4)).slice());
    }
    return chains;
  }
}

interface TransportOptions {
  readonly common: { readonly queues: { size_supported: number; notify_offset: number }[] };
  readonly notification: { readonly handlers: ((queue: number) => void)[] };
}

/** A transport, and the guest's driver at its other end. */
export class GuestDriver {
  readonly memory = new GuestMemory();
  queues: readonly GuestQueue[] = [];
  options: TransportOptions | undefined;
  status = DRIVER_OK;

  /** Makes this driver's transport, for a device. */
  get transport(): TransportConstructor {
    const constructor = (_cpu: unknown, options: TransportOptions): Transport => {
      this.options = options;
      this.queues = options.common.queues.map(
        ({ size_supported }) => new GuestQueue(this.memory, size_supported),
      );
      const status = () => this.status;
      return {
        queues: this.queues as never,
        get device_status() {
          return status();
        },
        notify_config_changes: () => undefined,
        reset: () => undefined,
        set_state: () => undefined,
      };
    };
    // A function that returns an object can be called as a constructor.
    return function (this: unknown, cpu: unknown, options: object) {
      return constructor(cpu, options as TransportOptions);
    } as unknown as TransportConstructor;
  }

  queue(number: number): GuestQueue {
    const queue = this.queues[number];
    if (!queue) throw new RangeError(`There is no queue ${number}.`);
    return queue;
  }

  /** Tells the device that a queue has news. */
  notify(number: number): void {
    const offset = this.options?.common.queues[number]?.notify_offset ?? 0;
    this.options?.notification.handlers[offset]?.(number);
  }
}
