/**
 * The router's network as its worker sees it: the page's PC on the LAN, HTTP over it, and the provider on the WAN.
 *
 * Begins when it is first needed or when the router is up, whichever comes first: a boot has no time to lose for it.
 */
import { NetworkError } from "../network/errors.js";
import type { ByteStream } from "../common/byte-stream.js";
import { HttpClient } from "../network/http-client.js";
import type { HttpExchange } from "../network/http-message.js";
import { formatIPv4, netmaskOf } from "../network/ipv4.js";
import { LanHost, type LanStatus, type RouterAddress } from "../network/lan-host.js";
import { LLHTTP_DIRECTORY } from "../network/llhttp.js";
import { Provider } from "../network/provider.js";
import type { ControlShell } from "./control-shell.js";
import type { Card, Pc } from "./v86.js";

/** Hardware address of the page's PC, of the range for local use. */
const PC_MAC = new Uint8Array([2, 0x4f, 0x57, 0, 0, 0x10]);
/** Hardware address of the provider's gateway. */
const PROVIDER_MAC = new Uint8Array([2, 0x4f, 0x57, 0, 0, 0x20]);
/** How long a DHCP server that is up may look for a free address before we take one next to the router's, in milliseconds. */
const UP_PATIENCE_MS = 400;
/** How long the router may take to say its address, in milliseconds. */
const ASK_MS = 5000;
/** Tells the LAN's address and prefix length: the bridge's, else the card's. */
const LAN_ADDRESS =
  "for d in br-lan eth0; do ip -4 -o addr show dev $d 2>/dev/null | sed -n 's/.* inet \\([0-9./]*\\).*/\\1/p'; done";

export interface RouterNetworkOptions {
  /** @param path below the directory with the built files */
  loadWasm(path: string): Promise<WebAssembly.Module>;
  readonly pc: Pc;
  readonly shell: ControlShell;
  /** whether the router was restored, so that its services are up */
  readonly isUp: boolean;
  onStatus(status: LanStatus): void;
}

interface Lan {
  readonly host: LanHost;
  readonly http: HttpClient;
}

export class RouterNetwork {
  readonly #options: RouterNetworkOptions;
  #lan: Promise<Lan> | undefined;
  #host: LanHost | undefined;
  #lwip: Promise<WebAssembly.Module> | undefined;
  #provider: Promise<Provider> | undefined;
  #wan: Provider | undefined;
  /** how the cable was wanted last */
  #plugged = false;
  #over = false;

  constructor(options: RouterNetworkOptions) {
    this.#options = options;
  }

  /** Plugs the page's PC in, once. */
  begin(): void {
    this.#begun().catch(() => undefined);
  }

  /** A frame that the router sent. */
  receive(card: Card, frame: Uint8Array<ArrayBuffer>): void {
    if (card === "lan") this.#host?.receive(frame);
    else this.#wan?.receive(frame);
  }

  /**
   * Plugs the WAN cable into the provider, which is made for it, or pulls it.
   *
   * @throws {MachineError} the provider could not be downloaded; the cable is as it was
   */
  async plugWan(plugged: boolean): Promise<void> {
    this.#plugged = plugged;
    if (plugged) this.#wan = await (this.#provider ??= this.#createProvider());
    // Somebody may have pulled it meanwhile: the last call counts.
    if (this.#wan) this.#wan.plugged = this.#plugged;
    this.#options.pc.plugWan(this.#plugged);
  }

  /** @throws {NetworkError} or the signal's reason */
  async connect(port: number, signal: AbortSignal, timeout?: number): Promise<ByteStream> {
    const { host } = await this.#begun();
    return host.connect(port, { signal, ...(timeout !== undefined && { timeout }) });
  }

  readonly exchange: HttpExchange = async (request, signal) => {
    const { http } = await this.#begun();
    return http.exchange(request, signal);
  };

  /** Everything pending fails with "off". */
  destroy(): void {
    this.#over = true;
    this.#provider?.then(
      (provider) => provider.destroy(),
      () => undefined,
    );
    this.#lan?.then(
      ({ host, http }) => {
        http.destroy();
        host.destroy();
      },
      () => undefined,
    );
  }

  #begun(): Promise<Lan> {
    if (this.#over) return Promise.reject(new NetworkError("off"));
    this.#lan ??= this.#create();
    return this.#lan;
  }

  /** Fetched once; a failure is not kept. */
  #lwipModule(): Promise<WebAssembly.Module> {
    this.#lwip ??= this.#options.loadWasm("wasm/lwip/lwip.wasm").catch((error: unknown) => {
      this.#lwip = undefined;
      throw error;
    });
    return this.#lwip;
  }

  async #createProvider(): Promise<Provider> {
    try {
      return await Provider.create({
        lwip: await this.#lwipModule(),
        mac: PROVIDER_MAC,
        sendFrame: (frame) => this.#options.pc.sendFrame("wan", frame),
      });
    } catch (error) {
      this.#provider = undefined;
      throw error;
    }
  }

  async #create(): Promise<Lan> {
    const { pc } = this.#options;
    try {
      const [lwip, llhttp] = await Promise.all([
        this.#lwipModule(),
        this.#options.loadWasm(`${LLHTTP_DIRECTORY}/llhttp.wasm`),
      ]);
      const host = await LanHost.create({
        lwip,
        mac: PC_MAC,
        sendFrame: (frame) => pc.sendFrame("lan", frame),
        onStatus: (status) => this.#options.onStatus(status),
        routerAddress: () => this.#ask(),
        patience: this.#options.isUp ? UP_PATIENCE_MS : undefined,
      });
      this.#host = host;
      const http = new HttpClient((port, signal) => host.connect(port, { signal }), llhttp, {
        host: () => host.status.router ?? "router",
      });
      return { host, http };
    } catch (error) {
      // It may have been the download: the next one tries again.
      this.#lan = undefined;
      throw error;
    }
  }

  /** Asks the router on its console where its LAN is, for a LAN without DHCP. */
  async #ask(): Promise<RouterAddress | undefined> {
    const answer = await this.#options.shell
      .exec(LAN_ADDRESS, { timeout: ASK_MS })
      .catch(() => undefined);
    const [, address, prefix] = /^([\d.]+)\/(\d+)$/m.exec(answer?.stdout ?? "") ?? [];
    if (address === undefined || Number(prefix) > 32) return undefined;
    return { address, netmask: formatIPv4(netmaskOf(Number(prefix))) };
  }
}
