/** A machine's hold on its overlay: the Web Lock, and the answers to other tabs that ask for it. */
import { lockOverlay, type OverlayLock } from "../disk/lock.js";
import { answerTabs, askToYield, findHolder, type Holder } from "./tabs.js";

/** How long to wait for another tab to let go when asked to, in milliseconds. */
const YIELD_MS = 15_000;
/** How long to wait for a lock without asking: a page that was closed or reloaded just now holds it a moment longer. */
const LOCK_MS = 2000;

export class OverlayClaim {
  #lock: OverlayLock | undefined;
  #answering: AbortController | undefined;
  #holder: Holder | undefined;

  /** @param onYield called when another tab asks for the router */
  constructor(private readonly onYield: () => void) {}

  /** Who has the overlay, when it could not be taken and that tab answered. */
  get holder(): Holder | undefined {
    return this.#holder;
  }

  /**
   * Takes the overlay, if it is not held already.
   *
   * @param key the overlay's key
   * @param takeOver whether to ask another holder to let go
   * @param signal gives up; the lock is not kept then
   * @throws {StorageError} `in-use`: another machine has it and did not let go; `unavailable`: locks are refused
   */
  async take(key: string, takeOver: boolean, signal: AbortSignal): Promise<void> {
    this.#holder = undefined;
    if (this.#lock) return;
    if (takeOver) askToYield(key);
    const lock = await lockOverlay(key, takeOver ? YIELD_MS : LOCK_MS).catch(
      async (error: unknown) => {
        this.#holder = await findHolder(key);
        throw error;
      },
    );
    if (signal.aborted) {
      lock.release();
      return;
    }
    this.#lock = lock;
    this.#answering = new AbortController();
    answerTabs(key, () => this.onYield(), this.#answering.signal);
  }

  /** Lets go. */
  release(): void {
    this.#answering?.abort();
    this.#lock?.release();
    this.#lock = undefined;
  }
}
