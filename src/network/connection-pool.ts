/**
 * The connections to one port of the router: how many there may be, and which of them can be used again.
 *
 * Whoever asks for one when all are in use waits in line.
 */
import { abortable } from "../common/abort.js";
import type { ByteStream } from "../common/byte-stream.js";
import { type Clock, withTimeLimit } from "../common/clock.js";
import { Semaphore } from "../common/limit.js";
import { NetworkError } from "./errors.js";
import { HttpConnection } from "./http-connection.js";

/** Opens a TCP connection to the router; rejects with a {@link NetworkError} or the signal's reason. */
export type Connect = (port: number, signal: AbortSignal) => Promise<ByteStream>;

export interface PoolOptions {
  readonly port: number;
  readonly connect: Connect;
  readonly clock: Clock;
  /** how many connections may be open at once */
  readonly limit: number;
  /** how long connecting may take, in milliseconds */
  readonly connectTimeout: number;
}

export class ConnectionPool {
  readonly #options: PoolOptions;
  /** A permit is held for each connection that is in use or being opened; idle ones make room for new ones. */
  readonly #limit: Semaphore;
  readonly #inUse = new Map<HttpConnection, () => void>();
  readonly #idle = new Set<HttpConnection>();
  #opening = 0;
  readonly #destroyed = new AbortController();

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#limit = new Semaphore(options.limit);
  }

  /**
   * @param fresh whether it must be a new connection
   * @throws {NetworkError} the router cannot be reached, or the pool was destroyed; or the signal's reason
   */
  async take(signal: AbortSignal, fresh: boolean): Promise<HttpConnection> {
    const either = AbortSignal.any([signal, this.#destroyed.signal]);
    const release = await this.#limit.acquire(either);
    try {
      const connection = (fresh ? undefined : this.#wake()) ?? (await this.#open(either));
      // What ended in the moment it was got told nobody.
      if (either.aborted) connection.destroy(either.reason);
      this.#inUse.set(connection, release);
      if (connection.over.aborted) this.#forget(connection);
      return connection;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Keeps a connection for whoever comes next. @param milliseconds how long */
  giveBack(connection: HttpConnection, milliseconds: number): void {
    if (connection.over.aborted) return;
    this.#idle.add(connection);
    connection.rest(milliseconds);
    this.#release(connection);
  }

  /** Ends all connections. @param reason what exchanges under way fail with */
  destroy(reason: NetworkError): void {
    this.#destroyed.abort(reason);
    for (const connection of [...this.#idle, ...this.#inUse.keys()]) connection.destroy(reason);
  }

  /** @returns the connection that was used last, for the server will keep it the longest */
  #wake(): HttpConnection | undefined {
    const connection = [...this.#idle].at(-1);
    if (!connection) return undefined;
    this.#idle.delete(connection);
    connection.wake();
    return connection;
  }

  async #open(signal: AbortSignal): Promise<HttpConnection> {
    const { port, connect, clock, connectTimeout: milliseconds, limit } = this.#options;
    const late = () => new NetworkError("timeout", `no connection within ${milliseconds / 1000} s`);
    const [oldest] = this.#idle;
    this.#opening++;
    if (this.#inUse.size + this.#opening + this.#idle.size > limit) oldest?.close();
    try {
      return await withTimeLimit({ clock, milliseconds, late, signal }, (limited) =>
        this.#connected(connect(port, limited), limited),
      );
    } finally {
      this.#opening--;
    }
  }

  #connected(opening: Promise<ByteStream>, signal: AbortSignal): Promise<HttpConnection> {
    const adopt = (stream: ByteStream) => {
      const connection = new HttpConnection(stream, this.#options.clock);
      connection.over.addEventListener("abort", () => this.#forget(connection), { once: true });
      // One that comes too late is nobody's.
      if (signal.aborted) connection.destroy(signal.reason);
      return connection;
    };
    return abortable(opening.then(adopt), signal);
  }

  #forget(connection: HttpConnection): void {
    this.#idle.delete(connection);
    this.#release(connection);
  }

  #release(connection: HttpConnection): void {
    this.#inUse.get(connection)?.();
    this.#inUse.delete(connection);
  }
}
