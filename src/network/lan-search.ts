/**
 * Where the router is: an address on its LAN, and whether the router still answers there.
 *
 * DHCP comes first and never ends. When it stays silent, the router itself is asked for its address (by whoever has
 * another way to it) and a neighbouring one is taken; that one is not traded for a lease while connections are open, as
 * they would be cut: OpenWrt's web server is up before its DHCP server. A router that no longer answers ARP is searched anew, but what we
 * have is kept until there is something better: it may only be slow, or paused, and connections outlive that.
 */
import type { Clock } from "../common/clock.js";
import type { IpStack } from "./ip-stack.js";
import { formatIPv4, type IpAddress, isNetmask, neighbour, parseIPv4 } from "./ipv4.js";
import { sender } from "./link.js";

/** All in milliseconds. How often a router that answers is asked whether it is still there. */
const WATCH = 3_000;
/** Between two questions while that is unclear; and how many go unanswered before the search begins. */
const PROBE = 500;
const PROBES = 4;
/** So long a renewed lease is waited for before DHCP begins from nothing. */
const VERIFY = 2_000;
/** So long DHCP may be silent before the router is asked on another way, and between two such questions, if nothing else is said. */
const PATIENCE = 4_000;
/** Between two DHCP requests: while the router is searched, and when it answers but its DHCP server does not. */
const DHCP_PACE = { searching: 1_000, found: 10_000 };

export interface LanStatus {
  readonly phase: "searching" | "leased" | "static";
  readonly address?: string;
  readonly netmask?: string;
  readonly router?: string;
}

export interface RouterAddress {
  readonly address: string;
  readonly netmask: string;
}

export interface LanSearchOptions {
  readonly stack: IpStack;
  readonly clock: Clock;
  onStatus(status: LanStatus): void;
  routerAddress(): Promise<RouterAddress | undefined>;
  /** milliseconds that DHCP may be silent before the router is asked */
  readonly patience?: number | undefined;
  /** whether connections are open */
  busy(): boolean;
}

export class LanSearch {
  readonly #options: LanSearchOptions;
  readonly #stack: IpStack;
  readonly #clock: Clock;
  /** 0: not known */
  #router = 0;
  /** the router answers at the address we know */
  #found = false;
  /** when the router was last heard, and when the search began */
  #heard = 0;
  #since: number;
  #probes = 0;
  /** the address was not leased */
  #isStatic = false;
  /** DHCP is stopped, until no connection needs the address that was not leased */
  #held = false;
  #rediscovered = false;
  #asked: number;
  #asking = false;
  #status: LanStatus = { phase: "searching" };
  #stopTimer: () => void = () => undefined;
  #over = false;

  constructor(options: LanSearchOptions) {
    this.#options = options;
    this.#stack = options.stack;
    this.#clock = options.clock;
    this.#since = this.#asked = this.#clock.now();
  }

  get status(): LanStatus {
    return this.#status;
  }

  /** The router's address; 0 while it is searched. */
  get router(): number {
    return this.#found ? this.#router : 0;
  }

  /** Forgets what was found, and begins. */
  start(): void {
    this.#lose();
    this.#router = 0;
    this.#stack.setAddress(0, 0, 0);
    this.#rediscovered = true;
    this.#discover();
  }

  /** To be called before a connection is opened. */
  hold(): void {
    if (!this.#found || !this.#isStatic || this.#held) return;
    this.#held = true;
    this.#stack.stopDhcp();
  }

  /** Asks whether the router is still there, unless it was heard just now. */
  check(): void {
    const isFresh = this.#clock.now() - this.#heard < PROBE;
    if (this.#found && this.#probes === 0 && !isFresh) this.#beat(true);
  }

  /** Every frame from the router's card passes by here. */
  hear(frame: Uint8Array): void {
    const from = sender(frame);
    if (this.#router === 0) return;
    // Multicast and IPv6 frames are what an interface sends when it comes up, with whatever address.
    if (from !== this.#router) return this.check();
    this.#heard = this.#clock.now();
    this.#probes = 0;
    if (!this.#found) this.#find();
  }

  /** The stack's address changed. */
  addressChanged({ leased, address, gateway, server }: IpAddress): void {
    if (address === 0) {
      this.#router = 0;
      if (this.#found) this.#lose();
    } else if (leased && (gateway || server)) {
      this.#router = gateway || server;
      this.#isStatic = false;
      this.#heard = this.#clock.now();
      this.#find();
    }
  }

  destroy(): void {
    this.#over = true;
    this.#stopTimer();
  }

  #find(): void {
    this.#found = true;
    this.#probes = 0;
    if (!this.#stack.address.leased) this.#stack.setDhcpPace(DHCP_PACE.found);
    this.#tell();
    this.#wait(WATCH);
  }

  #lose(): void {
    this.#found = false;
    this.#rediscovered = false;
    this.#since = this.#asked = this.#clock.now();
    this.#stack.setDhcpPace(DHCP_PACE.searching);
    this.#tell();
    this.#wait(PROBE);
  }

  #tell(): void {
    const { address, netmask } = this.#stack.address;
    const status: LanStatus = this.#found
      ? {
          phase: this.#isStatic ? "static" : "leased",
          address: formatIPv4(address),
          netmask: formatIPv4(netmask),
          router: formatIPv4(this.#router),
        }
      : { phase: "searching" };
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#options.onStatus(status);
  }

  #wait(milliseconds: number): void {
    this.#stopTimer();
    if (this.#over) return;
    this.#stopTimer = this.#clock.after(milliseconds, () => this.#beat(false));
  }

  /** @param now do not wait until the router was silent for long */
  #beat(now: boolean): void {
    if (this.#found) this.#watch(now);
    else this.#search();
  }

  #watch(now: boolean): void {
    if (this.#held && !this.#options.busy()) this.#discover();
    const silent = this.#clock.now() - this.#heard;
    if (silent < WATCH && !now && this.#probes === 0) return this.#wait(WATCH - silent);
    if (this.#probes++ >= PROBES) {
      this.#lose();
      return this.#held ? this.#discover() : this.#stack.verify();
    }
    this.#wait(PROBE);
    this.#stack.requestArp(this.#router);
  }

  #discover(): void {
    this.#held = false;
    this.#stack.discover();
  }

  #search(): void {
    const now = this.#clock.now();
    this.#wait(PROBE);
    if (this.#router !== 0) this.#stack.requestArp(this.#router);
    if (this.#found) return;
    if (!this.#rediscovered && now - this.#since >= VERIFY) {
      this.#rediscovered = true;
      this.#discover();
    }
    if (now - this.#asked >= (this.#options.patience ?? PATIENCE)) {
      this.#asked = now;
      void this.#ask();
    }
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const answer = await this.#options.routerAddress().catch(() => undefined);
    this.#asking = false;
    const router = parseIPv4(answer?.address ?? "");
    const netmask = parseIPv4(answer?.netmask ?? "");
    if (this.#over || this.#found || !router || !netmask || !isNetmask(netmask)) return;
    const known = this.#stack.address;
    // Nothing new: it is only silent.
    if (known.address !== 0 && this.#router === router && known.netmask === netmask) return;
    this.#stack.setAddress(neighbour(router, netmask), netmask, router);
    this.#router = router;
    this.#isStatic = true;
    this.#stack.requestArp(router);
  }
}
