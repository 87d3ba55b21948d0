/** A machine's hold on its overlay, from one power-on to the next. */
import { OverlayBusyError } from "../overlay/errors.js";
import type { OverlayNames } from "../overlay/identity.js";
import { type OverlayLease, takeLease } from "../overlay/lease.js";
import { type Holder, type RefusalReason, thisPage } from "../overlay/tabs.js";

export class OverlayClaim {
  #lease: OverlayLease | undefined;
  #holder: Holder | undefined;

  /** @param onYield called when another tab asks for the router: lets go in its own time, or says why not */
  constructor(private readonly onYield: () => RefusalReason | undefined) {}

  /** Who has the overlay, when it could not be taken and that tab answered. */
  get holder(): Holder | undefined {
    return this.#holder;
  }

  /**
   * Takes the overlay, if it is not held already.
   *
   * @param takeOver whether to ask another holder to let go
   * @throws as {@link takeLease}
   */
  async take(overlay: OverlayNames, takeOver: boolean, signal: AbortSignal): Promise<void> {
    this.#holder = undefined;
    if (this.#lease) return;
    try {
      const { onYield } = this;
      this.#lease = await takeLease(overlay, { page: thisPage(), takeOver, signal, onYield });
    } catch (error) {
      if (error instanceof OverlayBusyError) this.#holder = error.holder;
      throw error;
    }
  }

  /** The overlay was opened, and is in today's format. */
  opened(): void {
    this.#lease?.releaseFormer();
  }

  /** Lets go. */
  release(): void {
    this.#lease?.release();
    this.#lease = undefined;
  }
}
