/**
 * Keeps a running router's memory beside its overlay, so that the next visit goes on where this one ended. The router
 * stands still only while what changed is found and copied; it is stored while the router runs on.
 *
 * What is kept belongs to the disk's content at that moment and says so; when the disk moves on it is of no use until the
 * next save. That it is never used for another content is the reader's check, and never this class's to hope.
 */
import type { LayeredDisk } from "../disk/layered-disk.js";
import type { PcIdentity } from "../firmware/manifest.js";
import { MemoryImage, type PageChanges, type StoppedMachine } from "../snapshot/memory-image.js";
import { StorageError } from "../disk/errors.js";
import type { KeptMemory, MemoryStore } from "../snapshot/memory-store.js";

export interface MemoryKeeperOptions {
  readonly store: MemoryStore;
  /** what the machine is, which a kept memory has to fit */
  readonly pc: PcIdentity;
  readonly disk: Pick<LayeredDisk, "usage" | "generation" | "storeSeed">;
  /** runs `take` while the router stands still and its disk is all stored (while-still.ts) */
  readonly still: <T>(take: (machine: StoppedMachine) => T) => Promise<T>;
  /** @returns what the first console showed last */
  readonly console: () => Uint8Array<ArrayBuffer>;
  /** the memory that this router was restored from; else what is stored is of no use, and replaced */
  readonly restored?: KeptMemory | undefined;
}

/** What a save did. */
export interface MemorySaved {
  /** pages that were not what they were at the save before */
  readonly pages: number;
  /** bytes written */
  readonly bytes: number;
}

interface Taken extends Pick<KeptMemory, "deviceBytes" | "generation" | "console"> {
  readonly image: MemoryImage;
  readonly changes: PageChanges;
}

export class MemoryKeeper {
  readonly #options: MemoryKeeperOptions;
  /** what is stored, as far as this object stored or found it */
  #image: MemoryImage;
  #generation: number | undefined;
  #isUsed = false;
  #isOver = false;
  /** the last thing asked of the store, which does one at a time */
  #last: Promise<unknown> = Promise.resolve();
  /** the last save, which is over when the next begins */
  #saving: Promise<unknown> = Promise.resolve();
  /** a save that has not looked at the memory yet */
  #waiting: Promise<MemorySaved | undefined> | undefined;

  constructor(options: MemoryKeeperOptions) {
    this.#options = options;
    this.#image = new MemoryImage(options.restored?.pages);
    this.#generation = options.restored?.generation;
  }

  /** Size of what is kept in bytes; 0 when nothing is. */
  get bytes(): number {
    return this.#options.store.bytes;
  }

  /** Whether what is kept fits what is stored of the disk now. */
  get isCurrent(): boolean {
    return this.#generation === this.#options.disk.generation;
  }

  /** Somebody used this router: from now on its memory is kept even when its disk is untouched. */
  used(): void {
    this.#isUsed = true;
  }

  /**
   * Saves the memory. Never two at a time: a call joins one that has not looked at the memory yet.
   *
   * @returns `undefined` when there is nothing worth keeping: nobody used the router, and its disk is untouched or not
   *   stored
   * @throws {MachineError} the router is too busy
   * @throws {StorageError} it cannot be stored
   */
  save(): Promise<MemorySaved | undefined> {
    if (this.#waiting) return this.#waiting;
    const save = this.#saving.then(() => this.#save());
    this.#waiting = save;
    this.#saving = save.catch(() => undefined);
    return save;
  }

  /**
   * Forgets what is kept, and what a save under way has taken. Does not wait for a save that waits for the router: that
   * may wait for the room that this makes.
   *
   * @returns whether there was something
   */
  drop(): Promise<boolean> {
    this.#forget();
    return this.#inTurn(() => this.#options.store.drop());
  }

  /**
   * The router runs no more: nothing is saved from now on, also where a save is under way.
   *
   * @param drop whether to forget what is kept
   * @returns when the store is closed
   */
  end(drop: boolean): Promise<void> {
    const { store } = this.#options;
    this.#isOver = true;
    this.#forget();
    return this.#inTurn(async () => {
      if (drop) await store.drop();
      store.close();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #save(): Promise<MemorySaved | undefined> {
    // Whoever asks after it was taken asks for a later moment, and waits for this one.
    const taken = await this.#take().finally(() => (this.#waiting = undefined));
    if (!taken) return undefined;
    const { image, changes, ...now } = taken;
    const { store, pc } = this.#options;
    return this.#inTurn(async () => {
      // Dropped meanwhile.
      if (image !== this.#image) return undefined;
      try {
        const bytes = await store.save({ ...now, pc, pages: image.pages, changes });
        if (image === this.#image) this.#generation = now.generation;
        return { pages: changes.size, bytes };
      } catch (error) {
        this.#forget();
        // What is kept takes room that changes may need, and is older than what could not be kept.
        if (error instanceof StorageError && error.problem === "full") await store.drop();
        throw error;
      }
    });
  }

  /** What a save needs of one moment; `undefined` when there is nothing worth keeping. */
  async #take(): Promise<Taken | undefined> {
    const { disk, still, console } = this.#options;
    const isKeepable = () => !this.#isOver && disk.usage.durability === "strict";
    if (isKeepable() && disk.usage.chunks === 0 && this.#isUsed) await disk.storeSeed();
    if (!isKeepable() || disk.usage.chunks === 0) return undefined;
    return still((machine) => {
      // It ended, or its disk goes on in memory alone, while we waited for it to stand still.
      if (!isKeepable()) return undefined;
      const image = this.#image;
      const changes = image.changes(machine);
      image.apply(changes);
      return {
        image,
        changes,
        deviceBytes: machine.devices.byteLength,
        generation: disk.generation,
        console: console(),
      };
    });
  }

  #forget(): void {
    this.#image = new MemoryImage();
    this.#generation = undefined;
  }
}
