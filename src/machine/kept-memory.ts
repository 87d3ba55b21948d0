/** A router's memory, kept beside its overlay for the next visit, as long as the person wants that. */
import { type OverlayIdentity, overlayKey } from "../overlay/identity.js";
import { dropState, savedStateHeader } from "../snapshot/saved-state.js";
import { SaveSchedule } from "./save-schedule.js";
import type { WorkerLink } from "./worker-link.js";

/** In localStorage, for all routers of the origin: "off" when nothing is to be kept. */
const PREFERENCE = "openwrt-playground/keep-memory";

export class KeptMemory {
  readonly #schedule = new SaveSchedule(() => this.save());
  #identity: OverlayIdentity | undefined;

  /**
   * @param saveable the boot whose memory may be saved now; `undefined` when it may not
   * @param onChange called when something else is kept than before
   */
  constructor(
    private readonly saveable: () => WorkerLink | undefined,
    private readonly onChange: () => void,
  ) {}

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
   * @returns whether it did; `undefined` when there was nothing to save
   */
  async save(): Promise<boolean | undefined> {
    const link = this.wanted ? this.saveable() : undefined;
    if (!link) return undefined;
    const saved = await link.save().then(
      () => true,
      () => false,
    );
    // Whoever did not want it kept said so while it was being stored.
    if (saved && !this.wanted) await this.drop();
    this.onChange();
    return saved;
  }

  /** Forgets what is kept. @returns whether there was something */
  async drop(identity = this.#identity): Promise<boolean> {
    if (!identity || !(await savedStateHeader(overlayKey(identity)))) return false;
    await dropState(overlayKey(identity));
    this.onChange();
    return true;
  }

  /** @returns size of what is kept in bytes, 0 when nothing is */
  async bytes(identity: OverlayIdentity): Promise<number> {
    return (await savedStateHeader(overlayKey(identity)))?.bytes ?? 0;
  }
}
