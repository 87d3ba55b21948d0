/** Finds the bridge of this origin: once, and again when that one is gone or another one took the origin. */
import { lockOf, readBridgeAddress } from "../web-pane/messages.js";
import type { Client, ServiceWorkerScope } from "./worker-types.js";

export interface Bridge {
  readonly client: Client;
  /** address of the page with the machine, where that is of this origin */
  readonly page: string | undefined;
  /** aborts when it is the bridge no more */
  readonly lost: AbortSignal;
}

export class BridgeLookup {
  #bridge: Promise<Bridge | undefined> | undefined;

  constructor(private readonly scope: ServiceWorkerScope) {}

  /** @returns `undefined` while no page shows the router */
  async find(): Promise<Bridge | undefined> {
    const looking = (this.#bridge ??= this.#look());
    const bridge = await looking;
    if (!bridge && this.#bridge === looking) this.#bridge = undefined;
    return bridge;
  }

  async #look(): Promise<Bridge | undefined> {
    const { held = [] } = await navigator.locks.query();
    const names = new Set(held.map(({ name }) => name));
    const windows = await this.scope.clients.matchAll({
      includeUncontrolled: true,
      type: "window",
    });
    for (const client of windows) {
      const address = readBridgeAddress(client.url);
      if (!address || !names.has(lockOf(address))) continue;
      return { client, page: address.page, lost: this.#watch(lockOf(address)) };
    }
    return undefined;
  }

  /** The lock comes to us when the bridge lets go of it, or is gone. */
  #watch(lock: string): AbortSignal {
    const lost = new AbortController();
    void navigator.locks.request(lock, () => {
      this.#bridge = undefined;
      lost.abort();
    });
    return lost.signal;
  }
}
