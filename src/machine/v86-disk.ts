/**
 * A {@link LayeredDisk} as v86 wants its `hda`: an object with callbacks (v86 0.5.462, src/buffer.js).
 *
 * The drive says that it has a write cache (v86-drive.ts), so `set` calls back when the write is in it, and the guest
 * asks for `flush` where it needs more. A guest that switches the cache off gets its writes through. No exception may leave these functions, v86 would freeze without a word.
 */
import type { LayeredDisk } from "../disk/layered-disk.js";

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

export class V86Disk {
  readonly byteLength: number;
  onload: ((event: object) => void) | undefined;
  onprogress: ((event: object) => void) | undefined;
  /** Whether a write may complete before it is stored; the guest decides (SET FEATURES). */
  writeCache = true;
  #ended = false;

  /** @param onError told of a failure that cannot be given to the guest; the guest's request stays unanswered */
  constructor(
    private readonly disk: LayeredDisk,
    private readonly onError: (error: unknown) => void,
  ) {
    this.byteLength = disk.byteLength;
  }

  /** Lets nothing through any more, in either direction: another PC has the disk now. */
  end(): void {
    this.#ended = true;
  }

  load(): void {
    this.onload?.({});
  }

  get(start: number, length: number, done: (data: Uint8Array) => void): void {
    this.#guard(() => {
      if (this.#ended) return;
      const now = this.disk.readNow(start, length);
      if (now) done(now);
      else this.#later(this.disk.read(start, length), done);
    });
  }

  set(start: number, data: Uint8Array, done: () => void): void {
    this.#guard(() => {
      if (this.#ended) return;
      if (this.disk.writeNow(start, data)) return this.#written(done);
      // PIO writes hand over a view of a buffer that v86 uses again.
      this.#later(this.disk.write(start, data.slice()), () => this.#written(done));
    });
  }

  /** Calls back when everything written so far is stored. */
  flush(done: () => void): void {
    this.#guard(() => {
      if (this.disk.flushed) done();
      else this.#later(this.disk.flush(), done);
    });
  }

  /** Calls back when these bytes are given up: they read as zeros, and are not stored. */
  trim(ranges: readonly ByteRange[], done: () => void): void {
    this.#guard(() => {
      if (this.#ended) return;
      const trimmed = ranges.map(({ start, length }) => this.disk.discard(start, length));
      this.#later(Promise.all(trimmed), () => this.#written(done));
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

  #later<T>(work: Promise<T>, done: (result: T) => void): void {
    work
      .then((result) => {
        if (!this.#ended) done(result);
      })
      .catch(this.onError);
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
