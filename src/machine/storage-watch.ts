/** What is stored of a machine, and whether the browser promised to keep it. */
import { CHUNK_BYTES, type Durability } from "../disk/chunk-store.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import { StorageError } from "./errors.js";
import { storedOverlay } from "./stored-chunks.js";

/** What is stored of a machine. */
export interface StorageReport {
  /** bytes of the stored chunks */
  readonly bytes: number;
  readonly chunks: number;
  /** size of the memory that is kept for the next visit, in bytes; 0 when there is none */
  readonly memoryBytes: number;
  /** whether the browser promised not to evict this origin's data */
  readonly persisted: boolean;
  readonly durability: Durability;
}

/** What the disk of a running router tells. */
type Usage = Pick<StorageReport, "bytes" | "chunks" | "durability">;

export class StorageWatch {
  #usage: Usage | undefined;
  #lost: StorageError | undefined;
  #askedToPersist = false;

  /**
   * @param onChange called when a report would say something else
   * @param onLost called when a report finds that the browser lost what was stored; see {@link takeLost}
   */
  constructor(
    private readonly onChange: () => void,
    private readonly onLost: () => void,
  ) {}

  /** What a report found lost, told once: the browser says it only to who looks first, and nobody may miss it. */
  takeLost(): StorageError | undefined {
    const lost = this.#lost;
    this.#lost = undefined;
    return lost;
  }

  /** Whether there are changes in the browser. */
  get holdsChanges(): boolean {
    return this.#usage?.durability === "strict" && this.#usage.chunks > 0;
  }

  /** The running router's disk holds this now. */
  tell({ bytes, chunks, durability }: Usage): void {
    this.#usage = { bytes, chunks, durability };
    if (this.holdsChanges) void this.#askToPersist();
    this.onChange();
  }

  /** The router runs no more. */
  forget(): void {
    this.#usage = undefined;
  }

  /**
   * @param identity the overlay; `undefined` when the machine has none
   * @returns all but what the memory takes
   * @throws {StorageError} it cannot be read
   */
  async report(identity: OverlayIdentity | undefined): Promise<Omit<StorageReport, "memoryBytes">> {
    const persisted = await isPersisted();
    if (!identity) return { bytes: 0, chunks: 0, durability: "memory", persisted };
    if (this.#usage) return { ...this.#usage, persisted };
    try {
      const { chunks } = await storedOverlay(identity);
      return { bytes: chunks * CHUNK_BYTES, chunks, durability: "strict", persisted };
    } catch (error) {
      if (error instanceof StorageError && error.problem === "lost") {
        this.#lost = error;
        this.onLost();
      }
      throw error;
    }
  }

  /** Asks the browser not to evict this origin's data, once, when there is something to lose. */
  async #askToPersist(): Promise<void> {
    if (this.#askedToPersist) return;
    this.#askedToPersist = true;
    await navigator.storage.persist().catch(() => false);
    this.onChange();
  }
}

async function isPersisted(): Promise<boolean> {
  try {
    return await navigator.storage.persisted();
  } catch {
    return false;
  }
}
