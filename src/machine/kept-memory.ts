/**
 * What the page has to do with a router's kept memory: whether the person wants it, whether the page is looked at, how
 * much there is. The worker saves it.
 */
import type { OverlayIdentity } from "../disk/overlay-store.js";
import { indexedDbMemory, readMemoryHeader } from "../snapshot/indexeddb-memory.js";
import type { WorkerLink } from "./worker-link.js";

/** In localStorage, for all routers of the origin: "off" when nothing is to be kept. */
const PREFERENCE = "openwrt-playground/keep-memory";

export class KeptMemory {
  #identity: OverlayIdentity | undefined;
  #link: WorkerLink | undefined;
  /** what the running router's worker said last */
  #bytes: number | undefined;
  #listening: AbortController | undefined;

  /** @param onChange called when something else is kept than before */
  constructor(private readonly onChange: () => void) {}

  /** Whether memory is kept. */
  get wanted(): boolean {
    try {
      return localStorage.getItem(PREFERENCE) !== "off";
    } catch {
      return false;
    }
  }

  set wanted(wanted: boolean) {
    try {
      localStorage.setItem(PREFERENCE, wanted ? "on" : "off");
    } catch {
      // A site that may not store anything keeps no memory either.
    }
    if (this.#link) this.#link.keepMemory(wanted);
    else if (!wanted) void this.#drop();
  }

  /** The router with this overlay has this worker from now on. */
  begin(identity: OverlayIdentity, link: WorkerLink): void {
    this.end();
    this.#identity = identity;
    this.#link = link;
    const { signal } = (this.#listening = new AbortController());
    const hidden = () => {
      if (document.visibilityState === "hidden") link.hidden();
    };
    document.addEventListener("visibilitychange", hidden, { signal });
    // The last that a page hears before it is closed.
    window.addEventListener("pagehide", () => link.hidden(), { signal });
  }

  /** The worker says how much it keeps. */
  told(bytes: number): void {
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.onChange();
  }

  /** There is no worker any more. */
  end(): void {
    this.#listening?.abort();
    this.#link = undefined;
    this.#bytes = undefined;
  }

  /** Saves now, if that is wanted. Never rejects: without a saved memory the next visit boots. */
  async save(): Promise<void> {
    await this.#link?.save().catch(() => undefined);
  }

  /** @returns size of what is kept in bytes, 0 when nothing is */
  async bytes(identity: OverlayIdentity): Promise<number> {
    return this.#bytes ?? (await readMemoryHeader(identity))?.bytes ?? 0;
  }

  async #drop(): Promise<void> {
    if (!this.#identity) return;
    const store = indexedDbMemory(this.#identity);
    await store.drop();
    store.close();
    this.onChange();
  }
}
