/** A router's memory, kept beside its overlay for the next visit, as long as the person wants that. */
import type { OverlayIdentity } from "../disk/overlay-store.js";
import { dropState, savedStateHeader } from "../snapshot/saved-state.js";
import { SaveSchedule } from "./save-schedule.js";
import type { WorkerLink } from "./worker-link.js";

/** In localStorage, for all routers of the origin: "off" when nothing is to be kept. */
const PREFERENCE = "openwrt-playground/keep-memory";

export class KeptMemory {
  readonly #schedule = new SaveSchedule(() => this.save());
  #identity: OverlayIdentity | undefined;

  /** @param saveable the boot whose memory may be saved now; `undefined` when it may not */
  constructor(private readonly saveable: () => WorkerLink | undefined) {}

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
    if (!wanted) void this.drop();
  }

  /** The router with this overlay runs. */
  begin(identity: OverlayIdentity): void {
    this.#identity = identity;
    this.#schedule.begin();
  }

  /** Something in the router changed. */
  changed(): void {
    this.#schedule.changed();
  }

  /** It runs no more. */
  end(): void {
    this.#schedule.end();
  }

  /**
   * Saves now, if that may be done. Never rejects: without a saved memory the next visit boots.
   *
   * @returns whether it did
   */
  async save(): Promise<boolean> {
    const link = this.wanted ? this.saveable() : undefined;
    if (!link) return false;
    return link.save().then(
      () => true,
      () => false,
    );
  }

  /** Forgets what is kept. @returns whether there was something */
  async drop(identity = this.#identity): Promise<boolean> {
    if (!identity || !(await savedStateHeader(identity))) return false;
    await dropState(identity);
    return true;
  }

  /** @returns size of what is kept in bytes, 0 when nothing is */
  async bytes(identity: OverlayIdentity): Promise<number> {
    return (await savedStateHeader(identity))?.bytes ?? 0;
  }
}
