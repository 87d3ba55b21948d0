/**
 * A TCP/IP stack on one Ethernet link: frames in and out on one side, connections, datagrams and pings on the other.
 *
 * Nobody outside is ever called from within lwIP, and no exception reaches whoever delivers a frame. When lwIP itself
 * fails, everything pending is rejected and `onFailure` is called; the stack is dead then, and a new one can be made.
 */
import type { Bytes } from "../common/bytes.js";
import type { ByteStream } from "../common/byte-stream.js";
import { type Clock, REAL_CLOCK } from "../common/clock.js";
import { type Deferred, deferred } from "../common/deferred.js";
import { NetworkError } from "./errors.js";
import type { IpAddress } from "./ipv4.js";
import { type LwipCallbacks, type LwipFunctions, random32 } from "./lwip.js";
import { LwipRunner } from "./lwip-runner.js";
import { type TcpCalls, TcpConnection } from "./tcp-connection.js";

const NO_ADDRESS: IpAddress = { leased: false, address: 0, netmask: 0, gateway: 0, server: 0 };
/** An Ethernet header; and a frame without its checksum. */
const FRAME_BYTES = { min: 14, max: 1514 };
const PING_MS = 5_000;

export interface IpStackOptions {
  readonly lwip: WebAssembly.Module;
  /** 6 bytes */
  readonly mac: Uint8Array;
  readonly clock?: Clock;
  /** gets a frame of its own */
  sendFrame(frame: Bytes): void;
  onAddress?(address: IpAddress): void;
  onFailure?(cause: unknown): void;
}

export interface UdpSocket {
  /** @returns whether it could be sent; `false` without a route */
  send(address: number, port: number, bytes: Uint8Array): boolean;
  close(): void;
}

export class IpStack {
  readonly #options: IpStackOptions;
  readonly #clock: Clock;
  #runner!: LwipRunner;
  #over: NetworkError | undefined;
  #address = NO_ADDRESS;
  #nextId = 1;
  readonly #connections = new Map<number, TcpConnection>();
  readonly #listeners = new Map<number, (stream: ByteStream) => void>();
  readonly #sockets = new Map<number, (address: number, port: number, bytes: Bytes) => void>();
  readonly #pings = new Map<number, Deferred<void> & { address: number }>();

  private constructor(options: IpStackOptions) {
    this.#options = options;
    this.#clock = options.clock ?? REAL_CLOCK;
  }

  static async create(options: IpStackOptions): Promise<IpStack> {
    const stack = new IpStack(options);
    stack.#runner = await LwipRunner.create({
      lwip: options.lwip,
      mac: options.mac,
      clock: stack.#clock,
      callbacks: stack.#callbacks(),
      // A write that lwIP refused for lack of memory, with nothing under way, hears of nothing else.
      onTick: () => stack.#connections.forEach((connection) => connection.settle()),
      onFailure: (cause) => stack.#fail(cause),
    });
    return stack;
  }

  get address(): IpAddress {
    return this.#address;
  }

  /** Whether TCP connections are open, or being opened. */
  get hasConnections(): boolean {
    return this.#connections.size > 0;
  }

  /** A frame from the link; not kept. */
  receive(frame: Uint8Array): void {
    const { length } = frame;
    if (length < FRAME_BYTES.min || length > FRAME_BYTES.max) return;
    this.#call(undefined, (lwip) => {
      this.#runner.scratch().set(frame);
      lwip.receive(length);
    });
  }

  /** Runs the timers that are due; happens by itself, too. */
  tick(): void {
    this.#runner.tick();
  }

  setAddress(address: number, netmask: number, gateway: number): void {
    this.#call(undefined, (lwip) => lwip.set_address(address, netmask, gateway));
  }

  /** DHCP: looks for a server from the beginning. An address that is set stays until one is leased. */
  discover(): void {
    this.#call(undefined, (lwip) => lwip.dhcp_discover());
  }

  /** DHCP: asks whether the lease still holds; without one it looks for a server. */
  verify(): void {
    this.#call(undefined, (lwip) => lwip.dhcp_verify());
  }

  /** DHCP: the longest time between two requests while there is no lease. */
  setDhcpPace(milliseconds: number): void {
    this.#call(undefined, (lwip) => lwip.dhcp_set_pace(milliseconds));
  }

  stopDhcp(): void {
    this.#call(undefined, (lwip) => lwip.dhcp_stop());
  }

  /** Asks who has that address; the answer is a frame. */
  requestArp(address: number): void {
    this.#call(undefined, (lwip) => lwip.arp_request(address));
  }

  /** From now on, packets through us to other networks are answered with ICMP "net unreachable". */
  refuseForeign(): void {
    this.#call(undefined, (lwip) => lwip.refuse_foreign(1));
  }

  /** @throws {NetworkError} unreachable, refused, timeout; and what the signal is aborted with */
  async connect(address: number, port: number, signal?: AbortSignal): Promise<ByteStream> {
    signal?.throwIfAborted();
    if (this.#over) throw this.#over;
    const id = this.#nextId++;
    const connection = this.#add(id);
    const pointer = this.#call(0, (lwip) => lwip.tcp_connect(id, address, port));
    if (pointer === 0) connection.abort(new NetworkError("unreachable", "there is no way to it"));
    else connection.start(pointer);
    const abort = () => connection.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await connection.connected;
      return connection;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * @param accept gets each connection to that port
   * @returns what ends it; connections stay
   * @throws {NetworkError} the port is taken
   */
  listen(port: number, accept: (stream: ByteStream) => void): () => void {
    const id = this.#nextId++;
    const listener = this.#call(0, (lwip) => lwip.tcp_listen(id, port));
    if (listener === 0) throw this.#over ?? new NetworkError("refused", `port ${port} is taken`);
    this.#listeners.set(id, accept);
    return () => {
      if (this.#listeners.delete(id)) this.#call(undefined, (lwip) => lwip.tcp_unlisten(listener));
    };
  }

  /**
   * @param receive gets each datagram, with the sender's address and port
   * @throws {NetworkError} the port is taken
   */
  openUdp(port: number, receive: (address: number, port: number, bytes: Bytes) => void): UdpSocket {
    const id = this.#nextId++;
    const socket = this.#call(0, (lwip) => lwip.udp_open(id, port));
    if (socket === 0) throw this.#over ?? new NetworkError("refused", `port ${port} is taken`);
    this.#sockets.set(id, receive);
    return {
      send: (address, to, bytes) =>
        this.#sockets.has(id) &&
        this.#call(-1, (lwip) => {
          const scratch = this.#runner.scratch();
          if (bytes.length > scratch.length) return -1;
          scratch.set(bytes);
          return lwip.udp_send(socket, address, to, bytes.length);
        }) === 0,
      close: () => {
        if (this.#sockets.delete(id)) this.#call(undefined, (lwip) => lwip.udp_close(socket));
      },
    };
  }

  /**
   * @returns milliseconds until the answer
   * @throws {NetworkError} unreachable, timeout
   */
  async ping(address: number, timeout = PING_MS): Promise<number> {
    if (this.#over) throw this.#over;
    const sequence = this.#nextId++ & 0xffff;
    const answer = { address, ...deferred() };
    this.#pings.set(sequence, answer);
    const start = this.#clock.now();
    const cancel = this.#clock.after(timeout, () => answer.reject(new NetworkError("timeout")));
    try {
      if (this.#call(-1, (lwip) => lwip.echo_request(address, sequence)) !== 0)
        answer.reject(new NetworkError("unreachable", "there is no way to it"));
      await answer.promise;
      return this.#clock.now() - start;
    } finally {
      cancel();
      this.#pings.delete(sequence);
    }
  }

  /** Lets go of everything without a word to the other side; what is pending rejects with "off". */
  destroy(): void {
    this.#end(new NetworkError("off"));
  }

  #end(error: NetworkError): void {
    if (this.#over) return;
    this.#over = error;
    this.#runner.end();
    for (const connection of [...this.#connections.values()]) connection.lose(error);
    for (const ping of this.#pings.values()) ping.reject(error);
    this.#listeners.clear();
    this.#sockets.clear();
  }

  #fail(cause: unknown): void {
    this.#end(new NetworkError("reset", "the network stack failed", { cause }));
    this.#options.onFailure?.(cause);
  }

  /** See {@link LwipRunner.call}. */
  #call<T>(otherwise: T, call: (lwip: LwipFunctions) => T): T {
    return this.#runner.call(otherwise, call);
  }

  #add(id: number, pointer = 0): TcpConnection {
    const calls: TcpCalls = {
      write: (connection, bytes) =>
        this.#call(0, (lwip) => {
          const scratch = this.#runner.scratch();
          const part = bytes.subarray(0, scratch.length);
          scratch.set(part);
          return lwip.tcp_write(connection, part.length);
        }),
      consumed: (connection, length) =>
        this.#call(undefined, (lwip) => lwip.tcp_consumed(connection, length)),
      finish: (connection) => void this.#call(0, (lwip) => lwip.tcp_finish(connection)),
      release: (connection) => this.#call(undefined, (lwip) => lwip.tcp_release(connection)),
      abort: (connection) => this.#call(undefined, (lwip) => lwip.tcp_abort(connection)),
      forget: () => this.#connections.delete(id),
    };
    const connection = new TcpConnection(calls, pointer);
    this.#connections.set(id, connection);
    return connection;
  }

  /** What lwIP calls: each only notes something. */
  #callbacks(): LwipCallbacks {
    const note = (id: number, what: (connection: TcpConnection) => void) => {
      const connection = this.#connections.get(id);
      if (!connection) return;
      what(connection);
      this.#runner.later(() => connection.settle());
    };
    return {
      now: () => Math.trunc(this.#clock.now()),
      random: random32,
      frame: (at, length) => {
        const frame = this.#runner.view(at, length).slice();
        this.#runner.later(() => this.#options.sendFrame(frame));
      },
      address: (leased, ...numbers) => {
        const [address = 0, netmask = 0, gateway = 0, server = 0] = numbers.map((n) => n >>> 0);
        const now = { leased: leased !== 0, address, netmask, gateway, server };
        this.#address = now;
        this.#runner.later(() => this.#options.onAddress?.(now));
      },
      connected: (id) => note(id, (connection) => connection.noteConnected()),
      accepted: (listener, pointer) => {
        const accept = this.#listeners.get(listener);
        if (!accept) return 0;
        const id = this.#nextId++;
        const connection = this.#add(id, pointer);
        this.#runner.later(() => accept(connection));
        return id;
      },
      data: (id, at, length) =>
        note(id, (connection) => connection.noteData(this.#runner.view(at, length))),
      ended: (id) => note(id, (connection) => connection.noteEnd()),
      sent: (id) => note(id, () => undefined),
      failed: (id, error) => note(id, (connection) => connection.noteFailure(error)),
      datagram: (id, address, port, at, length) => {
        const bytes = this.#runner.view(at, length).slice();
        this.#runner.later(() => this.#sockets.get(id)?.(address >>> 0, port, bytes));
      },
      echo: (address, sequence) => {
        const ping = this.#pings.get(sequence);
        if (ping?.address === address >>> 0) this.#runner.later(() => ping.resolve());
      },
    };
  }
}
