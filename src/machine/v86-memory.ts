/**
 * The guest's memory in v86's states (0.5.462, src/cpu.js: pack_memory, unpack_memory). Patches the CPU's prototype, for
 * its instances are sealed.
 *
 * - A state can be had without the memory, for who keeps that by pages.
 * - A restore does not write zeros over zeros: what the guest never used is never taken from the computer. That is
 *   110 of 128 MiB, and half of the time.
 */
import { PAGE_BYTES } from "../snapshot/shared-pages.js";

/** v86's Bitmap: a bit for each page. */
interface Bitmap {
  get(page: number): boolean | number;
  get_buffer(): ArrayBuffer;
}

interface PackedMemory {
  readonly bitmap: Pick<Bitmap, "get_buffer">;
  /** pages whose bit is set, one behind the other */
  readonly packed_memory: Uint8Array;
}

/** What of v86's CPU is used here. */
export interface MemoryCpu {
  /** the guest's memory; looks like an array, and is one that follows the WebAssembly memory as it grows */
  readonly mem8: Uint8Array<ArrayBuffer>;
  is_memory_zeroed(address: number, length: number): boolean | number;
  pack_memory: (this: MemoryCpu) => PackedMemory;
  unpack_memory: (this: MemoryCpu, bitmap: Bitmap, packed: Uint8Array) => void;
}

const patched = new WeakSet<object>();
/** CPUs whose state is being made without their memory */
const withoutMemory = new WeakSet<MemoryCpu>();

/** @throws {Error} v86 has changed, and its CPU is not what this file knows */
export function patchMemory(cpu: MemoryCpu): void {
  const prototype = Object.getPrototypeOf(cpu) as MemoryCpu;
  if (patched.has(prototype)) return;
  const { pack_memory: pack, unpack_memory: unpack } = prototype;
  if (typeof pack !== "function" || typeof unpack !== "function")
    throw new Error("v86's CPU has changed: pack_memory or unpack_memory is missing.");
  patched.add(prototype);

  prototype.pack_memory = function (this: MemoryCpu) {
    if (!withoutMemory.has(this)) return pack.call(this);
    const bits = new ArrayBuffer(this.mem8.length / PAGE_BYTES / 8);
    return { bitmap: { get_buffer: () => bits }, packed_memory: new Uint8Array(0) };
  };

  prototype.unpack_memory = function (this: MemoryCpu, bitmap, packed) {
    const memory = this.mem8.subarray(0);
    let at = 0;
    for (let address = 0; address < memory.length; address += PAGE_BYTES) {
      if (bitmap.get(address / PAGE_BYTES)) {
        memory.set(packed.subarray(at, at + PAGE_BYTES), address);
        at += PAGE_BYTES;
      } else if (!isZeroPage(this, address)) memory.fill(0, address, address + PAGE_BYTES);
    }
  };
}

/** Whether the page at this address is all zeros. */
export function isZeroPage(cpu: MemoryCpu, address: number): boolean {
  return Boolean(cpu.is_memory_zeroed(address, PAGE_BYTES));
}

/** Runs `save`, which must make its state before it returns, with the memory left out. */
export function savedWithoutMemory<T>(cpu: MemoryCpu, save: () => T): T {
  withoutMemory.add(cpu);
  try {
    return save();
  } finally {
    withoutMemory.delete(cpu);
  }
}
