/**
 * What is stored of a running router, and when: has it sync when it is quiet, keeps its memory for the next visit, and
 * reports both.
 */
import type { Clock } from "../common/clock.js";
import type { LayeredDisk } from "../disk/layered-disk.js";
import type { PcIdentity } from "../firmware/manifest.js";
import type { KeptMemory, MemoryStore } from "../snapshot/memory-store.js";
import type { Boot } from "./boot.js";
import { MachineError } from "./errors.js";
import { MemoryKeeper } from "./memory-keeper.js";
import { MemorySchedule } from "./memory-schedule.js";
import type { StoredNow } from "./storage-report.js";
import { SyncSchedule } from "./sync-schedule.js";
import { isTyping } from "./typing.js";
import { LOOK, SYNC, type UpperLayer, upperLayer } from "./upper-layer.js";

const REPORT_EVERY_MS = 250;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly disk: LayeredDisk;
  /** where the router's memory is kept; `undefined` where none is */
  readonly memory: MemoryStore | undefined;
  /** what the machine is, which a kept memory has to fit */
  readonly pc: PcIdentity;
  /** the memory that the router goes on from */
  readonly restored: KeptMemory | undefined;
  /** whether memory is to be kept */
  readonly keepMemory: boolean;
  /** the emulator as it is now */
  readonly boot: () => Boot | undefined;
  readonly onStored: (stored: StoredNow) => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #memory: MemoryKeeper | undefined;
  #keepMemory: boolean;
  /** both from when the router may be used */
  #syncs: SyncSchedule | undefined;
  #saves: MemorySchedule | undefined;
  #reportDue = false;
  /** as the router said last */
  #upper: UpperLayer = "disk";
  #looking: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions) {
    const { disk, memory, pc, restored } = options;
    this.#options = options;
    this.#keepMemory = options.keepMemory;
    if (memory)
      this.#memory = new MemoryKeeper({
        ...{ store: memory, pc, disk, restored },
        still: async (take) => {
          const boot = this.#boot();
          using _hold = await boot.still(disk);
          return take(boot.pc.capture());
        },
        console: () => this.#boot().shown,
      });
    // What is not gone on from now never will be: the disk is about to change.
    if (!restored || !options.keepMemory) void this.forget();
    this.#report();
  }

  /** The router may be used from now on. */
  ready(): void {
    const { clock, disk } = this.#options;
    // Not a sync: that may store something, and what was just gone on from would not fit any more.
    this.#looking = this.#ask(LOOK).then(() => this.#report());
    if (disk.usage.durability !== "strict") return;
    this.#syncs = new SyncSchedule(
      clock,
      () => this.#sync(),
      () => this.#report(),
    );
    const memory = this.#memory;
    if (!memory) return;
    const save = () => this.saveMemory();
    const isCurrent = () => memory.isCurrent;
    this.#saves = new MemorySchedule({ clock, save, isCurrent }, this.#keepMemory);
    if (!memory.isCurrent) this.#saves.stored();
  }

  /** Somebody typed on the first console. */
  typed(bytes: Uint8Array): void {
    if (isTyping(bytes)) this.#memory?.used();
    this.touched();
  }

  /** Somebody did something that may have changed the router. */
  touched(): void {
    const before = this.#isPending;
    this.#syncs?.touched();
    this.#saves?.used();
    if (this.#isPending !== before) this.#report();
  }

  /** The router printed something on its first console. */
  printed(): void {
    this.#syncs?.printed();
    this.#saves?.printed();
  }

  /** Something was stored on the disk. */
  committed(): void {
    this.#saves?.stored();
    if (this.#reportDue) return;
    this.#reportDue = true;
    this.#options.clock.after(REPORT_EVERY_MS, () => this.#report());
  }

  /** The disk goes on in memory alone. */
  detached(): void {
    if (this.#saves) this.#saves.on = false;
    this.#report();
  }

  /** Nobody looks at the router any more, and nobody may ever again. */
  hidden(): void {
    this.#saves?.hidden();
  }

  set keepMemory(keep: boolean) {
    this.#keepMemory = keep;
    if (this.#saves) this.#saves.on = keep;
    if (!keep) void this.forget();
  }

  /** What is stored at this moment, when the router has said where it puts what it changes. */
  async look(): Promise<StoredNow> {
    await this.#looking;
    return this.stored;
  }

  /** What is stored at this moment, as far as it is known. */
  get stored(): StoredNow {
    const { disk } = this.#options;
    return {
      ...disk.usage,
      upper: this.#upper,
      memoryBytes: this.#memory?.bytes ?? 0,
      pending: disk.usage.durability === "strict" && (!disk.flushed || this.#isPending),
    };
  }

  /**
   * Saves the memory now, if it is kept.
   *
   * @returns bytes written; `undefined` when there is nothing to keep
   * @throws {MachineError | StorageError} the router is too busy, or it cannot be stored
   */
  async saveMemory(): Promise<number | undefined> {
    if (!this.#keepMemory) return undefined;
    const saved = await this.#memory?.save();
    this.#report();
    return saved?.bytes;
  }

  /** Forgets the memory that is kept. @returns whether there was some */
  async forget(): Promise<boolean> {
    const had = (await this.#memory?.drop()) ?? false;
    if (had) this.#report();
    return had;
  }

  /** Whether what somebody did is to be saved, or is being saved: the router should idle for it. */
  get isSaving(): boolean {
    return this.#saves?.isSaving ?? false;
  }

  /** Room was made by {@link forget}: nothing is kept for a while. */
  putOff(): void {
    this.#saves?.putOff();
  }

  /**
   * The router runs no more.
   *
   * @param isOff whether it went off by itself: then there is nothing to go on from, also where the disk is as it was
   */
  async end(isOff: boolean): Promise<void> {
    this.#syncs?.end();
    if (this.#saves) this.#saves.on = false;
    await this.#memory?.end(isOff);
    this.#report();
  }

  get #isPending(): boolean {
    return this.#syncs?.pending ?? false;
  }

  #boot(): Boot {
    const boot = this.#options.boot();
    if (!boot) throw new MachineError("The router does not run yet.");
    return boot;
  }

  /** Has the router store what it holds back. Fails only with the router. */
  async #sync(): Promise<void> {
    await this.#ask(SYNC);
    this.#saves?.synced();
  }

  /** Asks where the router puts what it changes; one that has just ended does not answer. */
  async #ask(script: string): Promise<void> {
    const status = await this.#boot()
      .shell.status(script)
      .catch(() => undefined);
    if (status !== undefined) this.#upper = upperLayer(status);
  }

  #report(): void {
    this.#reportDue = false;
    this.#options.onStored(this.stored);
  }
}
