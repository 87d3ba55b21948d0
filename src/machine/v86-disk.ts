/**
 * A {@link LayeredDisk} as v86 wants its `hda`: an object with callbacks (v86 0.5.462, src/buffer.js).
 *
 * The drive says that it has a write cache (v86-drive.ts), so `set` calls back when the write is in it, and the guest
 * asks for `flush` where it needs more. A guest that switches the cache off gets its writes through. No exception may leave these functions, v86 would freeze without a word.
 */
import type { LayeredDisk } from "../disk/layered-disk.js";

export class V86Disk {
  readonly byteLength: number;
  onload: ((event: object) => void) | undefined;
  onprogress: ((event: object) => void) | undefined;
  /** Whether a write may complete before it is stored; the guest decides (SET FEATURES). */
  writeCache = true;

  /** @param onError told of a failure that cannot be given to the guest; the guest's request stays unanswered */
  constructor(
    private readonly disk: LayeredDisk,
    private readonly onError: (error: unknown) => void,
  ) {
    this.byteLength = disk.byteLength;
  }

  load(): void {
    this.onload?.({});
  }

  get(start: number, length: number, done: (data: Uint8Array) => void): void {
    this.#guard(() => {
      const now = this.disk.readNow(start, length);
      if (now) done(now);
      else this.disk.read(start, length).then(done).catch(this.onError);
    });
  }

  set(start: number, data: Uint8Array, done: () => void): void {
    this.#guard(() => {
      if (this.disk.writeNow(start, data)) return this.#written(done);
      // PIO writes hand over a view of a buffer that v86 uses again.
      this.disk
        .write(start, data.slice())
        .then(() => this.#written(done))
        .catch(this.onError);
    });
  }

  /** Calls back when everything written so far is stored. */
  flush(done: () => void): void {
    this.#guard(() => {
      if (this.disk.flushed) done();
      else this.disk.flush().then(done).catch(this.onError);
    });
  }

  get_and_cache(start: number, length: number, done: (data: Uint8Array) => void): void {
    this.get(start, length, done);
  }

  get_from_cache(start: number, length: number): Uint8Array | undefined {
    return this.#guard(() => this.disk.readNow(start, length));
  }

  /** The chunks are no part of a saved state, they are stored on their own. */
  get_state(): [boolean] {
    return [this.writeCache];
  }

  set_state([writeCache]: [boolean]): void {
    this.writeCache = writeCache;
  }

  #written(done: () => void): void {
    if (this.writeCache) done();
    else this.flush(done);
  }

  #guard<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.onError(error);
      return undefined;
    }
  }
}
