/**
 * One queue of a virtio device on v86's transport (0.5.462), read by descriptors of our own walking: v86's walker takes
 * lengths and chains as the guest claims them, and can be led around in a table of descriptors for ever.
 *
 * @see Virtual I/O Device 1.2, 2.7 Split Virtqueues; v86, src/virtio.js
 */

/** Descriptor flags (2.7.5): goes on with `next`; the device writes; the buffer is a table of descriptors. */
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const DESCRIPTOR_BYTES = 16;
/** Most buffers of one chain: what Linux splices at once from the largest pipe it allows, 1 MiB in pages, and a header. */
const MAX_BUFFERS = 257;
const MAX_CHAIN_BYTES = 1024 * 1024;

/** What of v86's queue is used here. */
export interface TransportQueue {
  readonly cpu: GuestMemory;
  readonly size: number;
  readonly desc_addr: number;
  avail_last_idx: number;
  /** truthy when the guest's driver has set it up */
  is_configured(): unknown;
  /** how many chains the guest says it offers */
  count_requests(): number;
  avail_get_entry(index: number): number;
  push_reply(chain: { readonly head_idx: number; readonly length_written: number }): void;
  flush_replies(): void;
}

/** Physical memory as v86 gives it; addresses that are not in it fail in ways of their own. */
export interface GuestMemory {
  /** bytes of memory, in its only element */
  readonly memory_size: Int32Array;
  read16(address: number): number;
  read32s(address: number): number;
  read_blob(address: number, bytes: number): Uint8Array;
  write_blob(bytes: Uint8Array, address: number): void;
}

interface Buffer {
  readonly address: number;
  readonly bytes: number;
}

interface Chain {
  readonly head: number;
  /** `undefined`: no driver makes such a chain */
  readonly buffers: readonly Buffer[] | undefined;
}

export class Virtqueue {
  constructor(private readonly queue: TransportQueue) {}

  /** Whether the guest offers a buffer. */
  get offered(): boolean {
    if (!this.queue.is_configured()) return false;
    const count = this.queue.count_requests();
    // More than fit into the ring: an index out of thin air.
    return count > 0 && count <= this.queue.size;
  }

  /**
   * Takes what the guest sends in its next chain.
   *
   * @returns a copy, at most 1 MiB; empty when the chain makes no sense; `undefined` when there is none
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.offered) return undefined;
    const { head, buffers = [] } = this.#pop(0);
    const content = new Uint8Array(buffers.reduce((sum, { bytes }) => sum + bytes, 0));
    let at = 0;
    for (const { address, bytes } of buffers) {
      content.set(this.queue.cpu.read_blob(address, bytes), at);
      at += bytes;
    }
    this.queue.push_reply({ head_idx: head, length_written: 0 });
    return content;
  }

  /**
   * Puts bytes into the guest's next chain of buffers.
   *
   * @returns how many of them went in; `undefined` when the guest offers no buffer
   */
  put(content: Uint8Array): number | undefined {
    if (!this.offered) return undefined;
    const { head, buffers = [] } = this.#pop(WRITE);
    let at = 0;
    for (const { address, bytes } of buffers) {
      const part = content.subarray(at, at + bytes);
      if (part.length > 0) this.queue.cpu.write_blob(part, address);
      at += part.length;
    }
    this.queue.push_reply({ head_idx: head, length_written: at });
    return at;
  }

  /** Tells the guest of all that was taken and put. */
  flush(): void {
    this.queue.flush_replies();
  }

  /** @param direction {@link WRITE} or 0: what each buffer has to be for */
  #pop(direction: number): Chain {
    const { queue } = this;
    const head = queue.avail_get_entry(queue.avail_last_idx);
    queue.avail_last_idx = (queue.avail_last_idx + 1) & 0xffff;
    return { head, buffers: this.#walk(head, direction) };
  }

  #walk(head: number, direction: number): Buffer[] | undefined {
    const buffers: Buffer[] = [];
    let table = this.queue.desc_addr >>> 0;
    let { size } = this.queue;
    let total = 0;
    for (let index = head, isIndirect = false; index < size;) {
      const descriptor = this.#descriptor(table, index);
      if (!descriptor) return undefined;
      const { address, bytes, flags, next } = descriptor;
      if (flags & INDIRECT) {
        if (isIndirect || buffers.length > 0 || bytes > MAX_BUFFERS * DESCRIPTOR_BYTES)
          return undefined;
        isIndirect = true;
        table = address;
        size = Math.floor(bytes / DESCRIPTOR_BYTES);
        index = 0;
        continue;
      }
      total += bytes;
      if ((flags & WRITE) !== direction || total > MAX_CHAIN_BYTES) return undefined;
      buffers.push({ address, bytes });
      if (!(flags & NEXT)) return buffers;
      if (buffers.length === MAX_BUFFERS) return undefined;
      index = next;
    }
    return undefined;
  }

  /** @returns `undefined` when it, or what it describes, is not in the guest's memory */
  #descriptor(table: number, index: number) {
    const { cpu } = this.queue;
    const at = table + DESCRIPTOR_BYTES * index;
    if (!this.#holds(at, DESCRIPTOR_BYTES)) return undefined;
    const address = cpu.read32s(at) >>> 0;
    const bytes = cpu.read32s(at + 8) >>> 0;
    if (cpu.read32s(at + 4) !== 0 || !this.#holds(address, bytes)) return undefined;
    return { address, bytes, flags: cpu.read16(at + 12), next: cpu.read16(at + 14) };
  }

  #holds(address: number, bytes: number): boolean {
    return address + bytes <= (this.queue.cpu.memory_size[0] ?? 0);
  }
}
