/**
 * A stored router, without a machine: held by its lease, so that nothing else writes it meanwhile. What it does is loaded
 * when it is first asked for, as pages have this class that only run a router.
 */
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import { StorageError, toStorageError } from "../disk/errors.js";
import { deleteDatabase } from "../disk/indexeddb.js";
import { formerDigests } from "../firmware/identity.js";
import { memoryDatabase } from "../snapshot/indexeddb-memory.js";
import { forgetName } from "./database-names.js";
import { checkOverlayName, keyOf, type OverlayNames } from "./identity.js";
import { type OverlayLease, takeLease } from "./lease.js";
import type { ListOptions, OverlayInfo } from "./list.js";
import { LAST_OLD_FORMAT } from "./old-formats.js";
import { findStored, readStoredChunks } from "./stored.js";
import { type PageDescription, type TabHost, thisPage } from "./tabs.js";

export interface OpenOptions {
  /** what the firmware may have been called in formats 1 to 3; default: with the kernels of this project */
  readonly former?: readonly string[];
  /** asks another tab that has it to let go */
  readonly takeOver?: boolean;
  /** gives up waiting for it */
  readonly signal?: AbortSignal;
  /** where it is used, told to other tabs; default: this page */
  readonly page?: PageDescription;
  readonly host?: TabHost;
}

export class Overlay {
  readonly #options: OpenOptions;
  readonly #firmware: string;
  #name: string;
  /** undefined from when it is closed */
  #lease: OverlayLease | undefined;

  private constructor(name: string, firmware: string, lease: OverlayLease, options: OpenOptions) {
    this.#name = name;
    this.#firmware = firmware;
    this.#lease = lease;
    this.#options = options;
  }

  /**
   * Every router that is stored in this browser, whatever its firmware and its format; one that is damaged is among them.
   *
   * @throws {StorageError} `unavailable`; `lost`, once, when the browser has just deleted all data of the origin
   */
  static async list(options?: ListOptions): Promise<OverlayInfo[]> {
    const { listOverlays } = await import("./list.js");
    return listOverlays(options);
  }

  /**
   * Takes a stored router. One of format 1 to 3 whose root is known is brought into today's format. One that is damaged
   * or too new can be taken too, to be deleted.
   *
   * @param name its name
   * @param firmware SHA-256 of the root image, hex; or what {@link Overlay.list} says
   * @throws {OverlayBusyError} a machine or another tab has it, and says who
   * @throws {StorageError} `missing` when there is none; `unavailable`; whatever speaks against bringing an old one here
   * @throws the signal's reason, when it is aborted
   */
  static async open(name: string, firmware: string, options: OpenOptions = {}): Promise<Overlay> {
    const names = { overlay: name, root: firmware, former: await formerOf(firmware, options) };
    const lease = await take(names, options);
    try {
      await bringHere(names);
      lease.releaseFormer();
      return new Overlay(name, firmware, lease, options);
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** Its name, which {@link rename} changes. */
  get name(): string {
    return this.#name;
  }

  /** SHA-256 of the firmware's root image, as it was opened by. */
  get firmware(): string {
    return this.#firmware;
  }

  /**
   * Everything the router changed, as a file (docs/archive-format.md).
   *
   * @throws {StorageError} it cannot be read
   */
  async export(): Promise<Blob> {
    const stored = await readStoredChunks(this.#key());
    if (!stored) throw new StorageError("gone");
    const { diskBytes, title, format, content } = stored;
    // Whoever opened an old one by what it was called then does not know its root.
    const owner =
      format <= LAST_OLD_FORMAT ? { firmware: this.#firmware } : { root: this.#firmware };
    const origin = { ...owner, overlay: this.#name, diskBytes, chunkBytes: CHUNK_BYTES, title };
    const { writeArchive } = await import("./archive.js");
    return writeArchive(origin, content);
  }

  /**
   * Gives it another name. The memory that was kept of it is dropped. A browser that is killed meanwhile leaves it
   * under its old name, or under both.
   *
   * @throws {RangeError} this cannot be a name
   * @throws {StorageError} `taken`, or it cannot be stored: it still has its old name; or it is stored under both, as it
   *   could not be deleted
   * @throws {OverlayBusyError} another tab uses that name; it still has its old one
   */
  async rename(name: string): Promise<void> {
    const before = this.#key();
    if (name === this.#name) return;
    const lease = await this.#copyTo(name);
    const old = this.#lease;
    this.#lease = lease;
    this.#name = name;
    try {
      await discard(before);
    } finally {
      old?.release();
    }
  }

  /**
   * Makes a copy of it under another name, without the memory that was kept of it.
   *
   * @throws as {@link rename}
   */
  async duplicate(name: string): Promise<void> {
    (await this.#copyTo(name)).release();
  }

  /**
   * Deletes it and the memory that was kept of it, and closes this.
   *
   * @throws {StorageError} it is still there
   */
  async delete(): Promise<void> {
    await discard(this.#key());
    await this.close();
  }

  /** Lets go of it. */
  close(): Promise<void> {
    this.#lease?.release();
    this.#lease = undefined;
    return Promise.resolve();
  }

  #key(): string {
    if (!this.#lease) throw new DOMException("This overlay was closed.", "InvalidStateError");
    return keyOf(this.#name, this.#firmware);
  }

  /** @returns the lease of the copy */
  async #copyTo(name: string): Promise<OverlayLease> {
    const from = this.#key();
    checkOverlayName(name);
    if (name === this.#name) throw new StorageError("taken");
    const former = await formerOf(this.#firmware, this.#options);
    const names = { overlay: name, root: this.#firmware, former };
    const lease = await take(names, { ...this.#options, takeOver: false });
    try {
      if (await isTaken(names)) throw new StorageError("taken");
      lease.releaseFormer();
      const { copyOverlay } = await import("./copy.js");
      await copyOverlay(from, name);
      return lease;
    } catch (error) {
      lease.release();
      throw error;
    }
  }
}

function formerOf(root: string, { former }: OpenOptions): Promise<readonly string[]> {
  return former ? Promise.resolve(former) : formerDigests(root);
}

function take(
  names: OverlayNames,
  { page = thisPage(), takeOver, signal, host }: OpenOptions,
): Promise<OverlayLease> {
  return takeLease(names, { page, takeOver, signal, host });
}

/**
 * Makes sure that there is something under the key of today's format.
 *
 * @throws {StorageError} there is not
 */
async function bringHere(names: OverlayNames): Promise<void> {
  if (await isTaken({ ...names, former: [] })) return;
  const old = await findStored(names);
  if (!old) throw new StorageError("missing");
  const { diskBytes } = old;
  const { openOverlayStore } = await import("./overlay-store.js");
  (await openOverlayStore({ ...names, diskBytes }, CHUNK_BYTES)).close();
}

/** Whether something is stored there; what cannot be read is something, too. */
async function isTaken(names: OverlayNames): Promise<boolean> {
  try {
    return (await findStored(names)) !== undefined;
  } catch (error) {
    if (isUnreadable(error)) return true;
    throw error;
  }
}

/** Whether it says that something is there that this version cannot use. */
function isUnreadable(error: unknown): boolean {
  return ["damaged", "newer", "mismatch"].includes(toStorageError(error).problem);
}

/** Deletes an overlay and its kept memory. */
async function discard(key: string): Promise<void> {
  // A page that does not let go of the memory delays only that.
  deleteDatabase(memoryDatabase(key)).catch(() => undefined);
  await deleteDatabase(key);
  await forgetName(key);
}
