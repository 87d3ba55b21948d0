/**
 * The connections to one port of the router: how many there may be, and which of them can be used again.
 *
 * Whoever asks for one when all are in use waits in line.
 */
import type { ByteStream } from "./byte-stream.js";
import { NetworkError } from "./errors.js";
import { HttpConnection } from "./http-connection.js";

/** Opens a TCP connection to the router; rejects with a {@link NetworkError} or the signal's reason. */
export type Connect = (port: number, signal: AbortSignal) => Promise<ByteStream>;

export interface PoolOptions {
  readonly port: number;
  readonly connect: Connect;
  /** how many connections may be open at once */
  readonly limit: number;
  /** how long connecting may take, in milliseconds */
  readonly connectTimeout: number;
}

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #open = new Set<HttpConnection>();
  readonly #idle: HttpConnection[] = [];
  /** those who wait, first come first served */
  readonly #waiting: (() => void)[] = [];
  readonly #destroyed = new AbortController();
  #connecting = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * @param fresh whether it must be a new connection
   * @throws {NetworkError} the router cannot be reached, or the pool was destroyed; or the signal's reason
   */
  async take(signal: AbortSignal, fresh: boolean): Promise<HttpConnection> {
    for (;;) {
      signal.throwIfAborted();
      this.#destroyed.signal.throwIfAborted();
      if (!fresh) {
        const connection = this.#idle.pop();
        if (connection) {
          connection.wake();
          return connection;
        }
      }
      if (this.#open.size + this.#connecting < this.#options.limit) return this.#connect(signal);
      if (this.#idle.length > 0) this.#idle[0]?.close();
      else await this.#turn(signal);
      // Whoever leaves the line lets the next one look.
      if (signal.aborted) this.#waiting.shift()?.();
    }
  }

  /** Keeps a connection for whoever comes next. @param milliseconds how long */
  giveBack(connection: HttpConnection, milliseconds: number): void {
    this.#idle.push(connection);
    connection.rest(milliseconds);
    this.#waiting.shift()?.();
  }

  /** Ends all connections. @param reason what exchanges under way fail with */
  destroy(reason: NetworkError): void {
    this.#destroyed.abort(reason);
    for (const connection of [...this.#open]) connection.destroy(reason);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #connect(signal: AbortSignal): Promise<HttpConnection> {
    const { port, connect, connectTimeout } = this.#options;
    const giveUp = new AbortController();
    const seconds = connectTimeout / 1000;
    const timer = setTimeout(
      () => giveUp.abort(new NetworkError("timeout", `no connection within ${seconds} s`)),
      connectTimeout,
    );
    const stop = (event: Event) => giveUp.abort((event.target as AbortSignal).reason);
    const signals = [signal, this.#destroyed.signal];
    for (const each of signals) each.addEventListener("abort", stop, { once: true });
    this.#connecting++;
    try {
      const opening = connect(port, giveUp.signal);
      const stream = await Promise.race([opening, rejection(giveUp.signal)]).catch(
        (error: unknown) => {
          // A connection that comes too late is nobody's.
          opening.then(
            (late) => new HttpConnection(late).destroy(error),
            () => undefined,
          );
          throw error;
        },
      );
      return this.#adopt(new HttpConnection(stream));
    } finally {
      clearTimeout(timer);
      for (const each of signals) each.removeEventListener("abort", stop);
      this.#connecting--;
      this.#waiting.shift()?.();
    }
  }

  #adopt(connection: HttpConnection): HttpConnection {
    this.#open.add(connection);
    const forget = () => {
      this.#open.delete(connection);
      const at = this.#idle.indexOf(connection);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#waiting.shift()?.();
    };
    connection.over.addEventListener("abort", forget, { once: true });
    return connection;
  }

  /** Resolves when it may be worth to look for a connection again. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        const at = this.#waiting.indexOf(wake);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(wake);
    });
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
