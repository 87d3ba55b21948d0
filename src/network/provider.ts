/**
 * The provider on the router's WAN: enough of one to see a WAN come up, and honest about the rest.
 *
 * It gives the router an address by DHCP, answers pings to its gateway and questions for a few names. Everything beyond
 * the gateway is "net unreachable": a page in a browser has no Internet to give. The cable is out until `plugged` is set.
 */
import type { Bytes } from "../common/bytes.js";
import { type Clock, REAL_CLOCK } from "../common/clock.js";
import { serveDhcp } from "./dhcp-server.js";
import { serveDns } from "./dns-server.js";
import { IpStack } from "./ip-stack.js";

/** Addresses between a provider and its customers (RFC 6598); of the gateway, which is also the name server. */
const GATEWAY = 0x64400001;
const ROUTER = 0x64400002;
const NETMASK = 0xffffff00;
const LEASE_SECONDS = 3600;
/**
 * `openwrt.org` is what LuCI's diagnostics ask for and ping: with it they show what they show on a real line, though who
 * answers is the gateway.
 */
const NAMES = ["provider.test", "openwrt.org"];
/** Reserved for this (RFC 6761): nobody else has names in it. */
const TOP_LEVEL = "test";
/** After the stack itself failed. */
const REVIVE_MS = 1_000;

export interface ProviderOptions {
  readonly lwip: WebAssembly.Module;
  /** 6 bytes */
  readonly mac: Uint8Array;
  readonly clock?: Clock;
  /** to the router's card, a copy the callee may keep */
  sendFrame(frame: Bytes): void;
}

export class Provider {
  /** Is the cable in? While it is not, no frame passes in either direction. */
  plugged = false;
  readonly #options: ProviderOptions;
  readonly #clock: Clock;
  #stack: IpStack | undefined;
  #over = false;
  #cancelRevival: () => void = () => undefined;

  private constructor(options: ProviderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? REAL_CLOCK;
  }

  static async create(options: ProviderOptions): Promise<Provider> {
    const provider = new Provider(options);
    await provider.#appear();
    return provider;
  }

  /** A frame from the router's card; not kept. Never throws. */
  receive(frame: Uint8Array): void {
    if (this.plugged) this.#stack?.receive(frame);
  }

  destroy(): void {
    this.#over = true;
    this.#cancelRevival();
    this.#stack?.destroy();
    this.#stack = undefined;
  }

  async #appear(): Promise<void> {
    const stack = await IpStack.create({
      lwip: this.#options.lwip,
      mac: this.#options.mac,
      clock: this.#clock,
      sendFrame: (frame) => {
        if (this.plugged) this.#options.sendFrame(frame);
      },
      onFailure: () => this.#revive(),
    });
    if (this.#over) return stack.destroy();
    stack.setAddress(GATEWAY, NETMASK, 0);
    stack.refuseForeign();
    serveDhcp(stack, {
      address: ROUTER,
      netmask: NETMASK,
      router: GATEWAY,
      dns: GATEWAY,
      server: GATEWAY,
      seconds: LEASE_SECONDS,
    });
    serveDns(stack, { names: NAMES, address: GATEWAY, topLevel: TOP_LEVEL });
    this.#stack = stack;
  }

  #revive(): void {
    this.#stack = undefined;
    this.#cancelRevival = this.#clock.after(REVIVE_MS, () => {
      // It could be created before.
      void this.#appear().catch(() => undefined);
    });
  }
}
