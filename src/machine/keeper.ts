/**
 * What is stored of a running router, and when: has it sync when it is quiet, keeps its memory, and reports both.
 */
import type { Clock } from "../common/clock.js";
import type { ChunkStore } from "../disk/chunk-store.js";
import type { LayeredDisk } from "../disk/layered-disk.js";
import type { OverlayIdentity } from "../disk/overlay-store.js";
import { dropState, savedStateHeader, storeState } from "../snapshot/saved-state.js";
import type { Boot } from "./boot.js";
import { PC } from "./pc-identity.js";
import type { StoredNow } from "./storage-report.js";
import { SyncSchedule } from "./sync-schedule.js";

const REPORT_EVERY_MS = 250;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly disk: LayeredDisk;
  readonly store: ChunkStore;
  readonly identity: OverlayIdentity;
  readonly boot: () => Boot | undefined;
  readonly keepMemory: boolean;
  onStored(stored: StoredNow): void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  /** from when the router may be used, if its changes are stored at all */
  #syncs: SyncSchedule | undefined;
  #keepsMemory: boolean;
  #memoryBytes = 0;
  #reportDue = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#keepsMemory = options.keepMemory;
  }

  async begin(resumed: boolean): Promise<void> {
    // What is not gone on from now never will be: the disk is about to change.
    if (!resumed) await this.forget();
    else this.#memoryBytes = (await savedStateHeader(this.#options.identity))?.bytes ?? 0;
    this.#report();
  }

  ready(): void {
    if (this.#options.store.durability === "strict")
      this.#syncs = new SyncSchedule(this.#options.clock, () => this.#sync());
  }

  touched(): void {
    this.#syncs?.touched();
  }

  printed(): void {
    this.#syncs?.printed();
  }

  committed(): void {
    if (this.#reportDue) return;
    this.#reportDue = true;
    this.#options.clock.after(REPORT_EVERY_MS, () => this.#report());
  }

  detached(): void {
    this.#keepsMemory = false;
    this.#report();
  }

  hidden(): void {
    void this.saveMemory().catch(() => undefined);
  }

  end(): void {
    this.#syncs?.end();
    this.#report();
  }

  async keepMemory(keep: boolean): Promise<void> {
    this.#keepsMemory = keep;
    if (!keep) await this.forget();
  }

  stored(): StoredNow {
    return { ...this.#options.disk.usage, memoryBytes: this.#memoryBytes };
  }

  async saveMemory(): Promise<void> {
    const { disk, store, identity } = this.#options;
    const boot = this.#options.boot();
    if (!this.#keepsMemory || !boot) return;
    using _hold = await boot.still(disk);
    const state = await boot.pc.saveState();
    const generation = store.generation();
    await storeState(identity, { pc: PC, generation, state, console: boot.shown });
    this.#memoryBytes = state.byteLength;
    this.#report();
  }

  /** Forgets the memory that is kept. @returns whether there was some */
  async forget(): Promise<boolean> {
    const { identity, store } = this.#options;
    if (store.durability !== "strict") return false;
    const had = (await savedStateHeader(identity)) !== undefined;
    if (had) await dropState(identity);
    this.#memoryBytes = 0;
    return had;
  }

  async #sync(): Promise<void> {
    await this.#options
      .boot()
      ?.shell.exec("sync")
      .catch(() => undefined);
  }

  #report(): void {
    this.#reportDue = false;
    this.#options.onStored(this.stored());
  }
}
