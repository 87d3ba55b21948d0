/**
 * The page as a PC on the router's LAN: it has a network card there, an address from the router's own DHCP server, and
 * can open connections to the router. Nobody else is on that wire.
 */
import type { Bytes } from "../common/bytes.js";
import type { ByteStream } from "../common/byte-stream.js";
import { abortable } from "../common/abort.js";
import { type Clock, REAL_CLOCK, withTimeLimit } from "../common/clock.js";
import { type Deferred, deferred } from "../common/deferred.js";
import { NetworkError } from "./errors.js";
import { IpStack } from "./ip-stack.js";
import { LanSearch, type LanStatus, type RouterAddress } from "./lan-search.js";

export type { LanStatus, RouterAddress } from "./lan-search.js";

const CONNECT_MS = 10_000;
const PING_MS = 5_000;
/** After the stack itself failed. */
const REVIVE_MS = 1_000;

export interface LanHostOptions {
  readonly lwip: WebAssembly.Module;
  /** 6 bytes */
  readonly mac: Uint8Array;
  readonly clock?: Clock;
  /** to the router's card, a copy the callee may keep */
  sendFrame(frame: Bytes): void;
  onStatus?(status: LanStatus): void;
  /** asks the router itself for its LAN address; used when DHCP gets no answer */
  routerAddress?(): Promise<RouterAddress | undefined>;
  /**
   * milliseconds that DHCP may be silent before that; 4,000 if not given. Less where the router is known to be up: its
   * server then takes its time because it looks whether an address is free, dnsmasq for three seconds.
   */
  readonly patience?: number | undefined;
}

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  /** milliseconds, those until there is an address included; 10,000 if not given */
  readonly timeout?: number;
}

/** A stack and its search: what is replaced when the stack fails. */
interface Presence {
  readonly stack: IpStack;
  readonly search: LanSearch;
}

export class LanHost {
  readonly #options: LanHostOptions;
  readonly #clock: Clock;
  #presence: Presence | undefined;
  #status: LanStatus = { phase: "searching" };
  /** waits for the router to be found */
  #found: Deferred<void> = deferred();
  /** how often our address changed */
  #changes = 0;
  #over = false;
  #cancelRevival: () => void = () => undefined;

  private constructor(options: LanHostOptions) {
    this.#options = options;
    this.#clock = options.clock ?? REAL_CLOCK;
  }

  /** Plugs it in; the search for an address begins. */
  static async create(options: LanHostOptions): Promise<LanHost> {
    const host = new LanHost(options);
    await host.#appear();
    return host;
  }

  get status(): LanStatus {
    return this.#status;
  }

  /** A frame from the router's card; not kept. Never throws. */
  receive(frame: Uint8Array): void {
    this.#presence?.search.hear(frame);
    this.#presence?.stack.receive(frame);
  }

  /**
   * Opens a connection to the router.
   *
   * @throws {NetworkError} unreachable, refused, timeout, off; and what the signal is aborted with
   */
  async connect(port: number, options: ConnectOptions = {}): Promise<ByteStream> {
    const { signal, timeout = CONNECT_MS } = options;
    return this.#limited(timeout, signal, async (limit) => {
      for (;;) {
        const { stack, search } = await this.#reach(limit);
        const changes = this.#changes;
        search.check();
        search.hold();
        try {
          return await stack.connect(search.router, port, limit);
        } catch (error) {
          // The router moved, or the stack failed, while we were asking at the old place.
          if (changes === this.#changes) throw error;
        }
      }
    });
  }

  /**
   * @returns milliseconds until the router's answer
   * @throws {NetworkError} unreachable, timeout, off
   */
  async ping(timeout = PING_MS): Promise<number> {
    return this.#limited(timeout, undefined, async (limit) => {
      const { stack, search } = await this.#reach(limit);
      return stack.ping(search.router, timeout);
    });
  }

  /** Forgets the lease, cuts the connections and searches again. */
  renew(): void {
    this.#presence?.search.start();
  }

  /** Unplugs it. Everything pending rejects with "off". */
  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelRevival();
    this.#found.reject(new NetworkError("off"));
    this.#disappear();
  }

  async #appear(): Promise<void> {
    const { lwip, mac } = this.#options;
    const stack = await IpStack.create({
      lwip,
      mac,
      clock: this.#clock,
      sendFrame: (frame) => this.#options.sendFrame(frame),
      onAddress: (address) => {
        this.#changes++;
        this.#presence?.search.addressChanged(address);
      },
      onFailure: () => this.#revive(),
    });
    if (this.#over) return stack.destroy();
    const search = new LanSearch({
      stack,
      clock: this.#clock,
      onStatus: (status) => this.#tell(status),
      routerAddress: async () => this.#options.routerAddress?.(),
      patience: this.#options.patience,
      busy: () => stack.hasConnections,
    });
    this.#presence = { stack, search };
    search.start();
  }

  #disappear(): void {
    this.#presence?.search.destroy();
    this.#presence?.stack.destroy();
    this.#presence = undefined;
  }

  /** lwIP failed, which a hostile router might bring about: begin again with a new one. */
  #revive(): void {
    this.#changes++;
    this.#disappear();
    this.#tell({ phase: "searching" });
    this.#cancelRevival = this.#clock.after(REVIVE_MS, () => {
      // It could be created before.
      void this.#appear().catch(() => undefined);
    });
  }

  #tell(status: LanStatus): void {
    const wasFound = this.#status.phase !== "searching";
    this.#status = status;
    if (status.phase !== "searching") this.#found.resolve();
    else if (wasFound) this.#found = deferred();
    try {
      this.#options.onStatus?.(status);
    } catch {
      // Whoever listens must not stop the frame that brought the news.
    }
  }

  /** Resolves when the router's address is known. */
  async #reach(limit: AbortSignal): Promise<Presence> {
    for (;;) {
      if (this.#over) throw new NetworkError("off");
      limit.throwIfAborted();
      if (this.#presence && this.#presence.search.router !== 0) return this.#presence;
      await abortable(this.#found.promise, limit);
    }
  }

  #limited<T>(
    milliseconds: number,
    signal: AbortSignal | undefined,
    work: (limit: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const late = () =>
      new NetworkError(this.#status.phase === "searching" ? "unreachable" : "timeout");
    return withTimeLimit({ clock: this.#clock, milliseconds, late, signal }, work);
  }
}
