/** What is stored of a machine, as a page is told: by the worker while there is one, else by looking. */
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import type { Persistence, StoredOverlays } from "./host.js";
import type { Run } from "./run.js";
import type { StorageReport, StoredNow } from "./storage-report.js";

const NOTHING: StoredNow = {
  bytes: 0,
  chunks: 0,
  memoryBytes: 0,
  durability: "memory",
  upper: "disk",
  pending: false,
};

export class StorageWatch {
  readonly #persistence: Persistence;
  readonly #overlays: StoredOverlays;
  readonly #onReport: (report: StorageReport) => void;
  /** what the browser promised; asked once, and again after it was asked to */
  #persisted: Promise<boolean> | undefined;
  #askedToPersist = false;

  /** @param onReport told of everything new that a worker says */
  constructor(
    persistence: Persistence,
    overlays: StoredOverlays,
    onReport: (report: StorageReport) => void,
  ) {
    this.#persistence = persistence;
    this.#overlays = overlays;
    this.#onReport = onReport;
  }

  /** Listens to a power-on. */
  follow(run: Run): void {
    run.remote.on("stored", (stored) => void this.#tell(stored));
  }

  /** What the worker has stored at this moment. */
  async running(run: Run): Promise<StorageReport> {
    const stored = await run.remote.call("storage");
    return { ...stored, persisted: await this.#isPersisted() };
  }

  /**
   * What is stored of a machine that is off.
   *
   * @param identity the overlay; `undefined` when the machine has none
   * @throws {StorageError} it cannot be read
   */
  async off(identity: OverlayIdentity | undefined): Promise<StorageReport> {
    const persisted = await this.#isPersisted();
    if (!identity) return { ...NOTHING, persisted };
    const { chunks, memoryBytes } = await this.#overlays.look(identity);
    const bytes = chunks * CHUNK_BYTES;
    return { ...NOTHING, bytes, chunks, memoryBytes, durability: "strict", persisted };
  }

  async #tell(stored: StoredNow): Promise<void> {
    // Asked when there is something to lose, once.
    if (stored.durability === "strict" && stored.chunks > 0 && !this.#askedToPersist) {
      this.#askedToPersist = true;
      this.#persisted = this.#persistence.persist();
    }
    this.#onReport({ ...stored, persisted: await this.#isPersisted() });
  }

  #isPersisted(): Promise<boolean> {
    return (this.#persisted ??= this.#persistence.isPersisted());
  }
}
