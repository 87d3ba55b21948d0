/**
 * lwIP, the TCP/IP stack in `wasm/lwip/`, as its module is seen from here: names and types, nothing else.
 *
 * Addresses are numbers (see `ipv4.ts`). A connection is a pointer on the way in and our own number on the way out. No
 * function may be called from within a callback, and memory may move in any call.
 *
 * @see wasm/lwip/shim.c
 */

/** lwIP's reasons for the end of a connection (its err.h). */
export const LWIP_ERROR = { aborted: -13, reset: -14 } as const;

/** A pointer into the module's memory; 0 is none. */
export type Pointer = number;

export interface LwipFunctions {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  /** once, with the hardware address in the scratch buffer */
  start(): void;
  scratch(): Pointer;
  scratch_bytes(): number;
  /** takes the frame from the scratch buffer */
  receive(length: number): void;
  tick(): void;
  /** @returns milliseconds until `tick` has something to do, an unsigned number in a signed one */
  sleep(): number;
  set_address(address: number, netmask: number, gateway: number): void;
  dhcp_discover(): void;
  dhcp_verify(): void;
  dhcp_stop(): void;
  dhcp_set_pace(milliseconds: number): void;
  arp_request(address: number): void;
  echo_request(address: number, sequence: number): number;
  refuse_foreign(on: number): void;
  tcp_connect(id: number, address: number, port: number): Pointer;
  tcp_listen(id: number, port: number): Pointer;
  tcp_unlisten(listener: Pointer): void;
  /** @returns how many bytes of the scratch buffer were taken */
  tcp_write(connection: Pointer, length: number): number;
  tcp_consumed(connection: Pointer, length: number): void;
  tcp_finish(connection: Pointer): number;
  tcp_release(connection: Pointer): void;
  tcp_abort(connection: Pointer): void;
  udp_open(id: number, port: number): Pointer;
  udp_send(socket: Pointer, address: number, port: number, length: number): number;
  udp_close(socket: Pointer): void;
}

export interface LwipCallbacks {
  now(): number;
  random(): number;
  frame(at: Pointer, length: number): void;
  address(leased: number, address: number, netmask: number, gateway: number, server: number): void;
  connected(id: number): void;
  /** @returns our number for it; 0 refuses it */
  accepted(listener: number, connection: Pointer): number;
  data(id: number, at: Pointer, length: number): void;
  ended(id: number): void;
  sent(id: number): void;
  /** the connection is gone */
  failed(id: number, error: number): void;
  datagram(id: number, address: number, port: number, at: Pointer, length: number): void;
  echo(address: number, sequence: number): void;
}

/** Makes a stack with an interface of this hardware address. */
export async function instantiateLwip(
  module: WebAssembly.Module,
  mac: Uint8Array,
  callbacks: LwipCallbacks,
): Promise<LwipFunctions> {
  const instance = await WebAssembly.instantiate(module, { host: { ...callbacks } });
  const lwip = instance.exports as unknown as LwipFunctions;
  lwip._initialize();
  new Uint8Array(lwip.memory.buffer).set(mac.subarray(0, 6), lwip.scratch());
  lwip.start();
  return lwip;
}

const pool = new Uint32Array(256);
let unused = 0;

/** For sequence numbers, ports and transaction numbers: one call of the browser's generator for many. */
export function random32(): number {
  if (unused === 0) {
    crypto.getRandomValues(pool);
    unused = pool.length;
  }
  return pool[--unused] ?? 0;
}
