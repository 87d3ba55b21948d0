/**
 * An HTTP/1.1 client over the router's TCP connections: keeps them, queues for them, and tries once more where a kept
 * one turns out to be dead. Follows no redirects and knows no cookies; router-fetch.ts is the web's view of it.
 */
import type { Bytes } from "../common/bytes.js";
import { type Clock, REAL_CLOCK } from "../common/clock.js";
import { type Connect, ConnectionPool } from "./connection-pool.js";
import { NetworkError } from "./errors.js";
import type { HttpConnection } from "./http-connection.js";
import { Exchange } from "./http-exchange.js";
import type { HttpExchange, HttpHeaders, HttpRequest, HttpResponse } from "./http-message.js";
import { HttpParser } from "./http-parser.js";
import { isRepeatable, prepareBody, type RequestBody, requestHead } from "./http-request.js";
import { valuesOf } from "./http-syntax.js";
import { Llhttp } from "./llhttp.js";

export interface HttpClientOptions {
  /** the router's address, for the Host field */
  readonly host: () => string;
  readonly clock?: Clock;
  /** connections to one port at once; OpenWrt's web server runs few programs at a time. Default 6 */
  readonly connectionsPerPort?: number;
  /** how long an unused connection is kept, in milliseconds. Default 4000 */
  readonly idleTimeout?: number;
  /**
   * how long connecting may take, then the answer's header, in milliseconds. Default 60 000: LuCI's first page takes
   * twenty seconds on a slow machine
   */
  readonly headerTimeout?: number;
  /** how long the next piece of a body may take, in milliseconds. Default 300 000, for long polls */
  readonly bodyTimeout?: number;
  /** request streams up to this many bytes are sent with their length, longer ones in chunks. Default 1 MiB */
  readonly bufferBytes?: number;
}

export class HttpClient {
  readonly #connect: Connect;
  readonly #llhttp: Llhttp;
  readonly #options: Required<HttpClientOptions>;
  readonly #pools = new Map<number, ConnectionPool>();
  #destroyed: NetworkError | undefined;

  /**
   * @param llhttp the compiled llhttp.wasm. It is instantiated at once, which some browsers allow in workers only
   */
  constructor(connect: Connect, llhttp: WebAssembly.Module, options: HttpClientOptions) {
    this.#connect = connect;
    this.#llhttp = new Llhttp(llhttp);
    this.#options = {
      clock: REAL_CLOCK,
      connectionsPerPort: 6,
      idleTimeout: 4000,
      headerTimeout: 60_000,
      bodyTimeout: 300_000,
      bufferBytes: 1024 * 1024,
      ...options,
    };
  }

  /**
   * Sends one request. The answer's body must be read to its end or cancelled: until then it holds a connection.
   *
   * @throws {NetworkError} the router cannot be reached, does not answer, or not with HTTP
   * @throws {TypeError} the request cannot be written as HTTP
   * @throws the signal's reason, or what the request's body failed with
   */
  readonly exchange: HttpExchange = async (request, signal) => {
    signal.throwIfAborted();
    const body = await prepareBody(request.body, this.#options.bufferBytes, signal);
    try {
      const head = requestHead(request, this.#options.host(), body);
      return await this.#exchange(request, head, body, signal);
    } catch (error) {
      if (body.type === "stream") body.rest.cancel(error).catch(() => undefined);
      throw error;
    }
  };

  /** Ends all connections. @param reason what exchanges under way and to come fail with */
  destroy(reason = new NetworkError("off")): void {
    this.#destroyed ??= reason;
    for (const pool of this.#pools.values()) pool.destroy(reason);
    this.#pools.clear();
  }

  async #exchange(
    request: HttpRequest,
    head: Bytes,
    body: RequestBody,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const pool = this.#pool(request.port);
    const connection = await pool.take(signal, false);
    const reused = connection.uses > 0;
    const exchange = this.#begin(connection, pool, request, signal);
    try {
      return await exchange.run(head, body);
    } catch (error) {
      // The server may end a kept connection in the moment we use it; that says nothing about the request.
      const stale =
        reused && !exchange.heard && error instanceof NetworkError && error.problem === "reset";
      if (!stale || this.#destroyed || !isRepeatable(request.method, body)) throw error;
    }
    const fresh = await pool.take(signal, true);
    return this.#begin(fresh, pool, request, signal).run(head, body);
  }

  #begin(
    connection: HttpConnection,
    pool: ConnectionPool,
    request: HttpRequest,
    signal: AbortSignal,
  ): Exchange {
    const { clock, headerTimeout, bodyTimeout, idleTimeout } = this.#options;
    return new Exchange(connection, new HttpParser(this.#llhttp, request.method), {
      clock,
      signal,
      headerTimeout,
      bodyTimeout,
      onFree: ({ headers }) => {
        const milliseconds = Math.min(idleTimeout, serverIdleTimeout(headers));
        if (milliseconds > 0) pool.giveBack(connection, milliseconds);
        else connection.close();
      },
    });
  }

  #pool(port: number): ConnectionPool {
    if (this.#destroyed) throw this.#destroyed;
    let pool = this.#pools.get(port);
    if (!pool) {
      const { clock, connectionsPerPort: limit, headerTimeout: connectTimeout } = this.#options;
      pool = new ConnectionPool({ port, connect: this.#connect, clock, limit, connectTimeout });
      this.#pools.set(port, pool);
    }
    return pool;
  }
}

/** How long the server says it keeps the connection, less a second for the way; in milliseconds. */
function serverIdleTimeout(headers: HttpHeaders): number {
  const field = valuesOf(headers, "keep-alive")[0];
  const seconds = /\btimeout=(\d+)/i.exec(field ?? "")?.[1];
  return seconds === undefined ? Infinity : (Number(seconds) - 1) * 1000;
}
