/**
 * A {@link LayeredDisk} as v86 wants its `hda`: an object with callbacks (v86 0.5.462, src/buffer.js).
 *
 * v86 completes a guest's DMA write only when `set` calls back: calling back after the commit is what makes the disk
 * write-through. No exception may leave these functions, v86 would freeze without a word.
 */
import type { LayeredDisk } from "../disk/layered-disk.js";

export class V86Disk {
  readonly byteLength: number;
  onload: ((event: object) => void) | undefined;
  onprogress: ((event: object) => void) | undefined;

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
    try {
      const now = this.disk.readNow(start, length);
      if (now) done(now);
      else this.disk.read(start, length).then(done).catch(this.onError);
    } catch (error) {
      this.onError(error);
    }
  }

  set(start: number, data: Uint8Array, done: () => void): void {
    // PIO writes hand over a view of a buffer that v86 uses again.
    const copy = data.slice();
    this.disk.write(start, copy).then(done).catch(this.onError);
  }

  get_and_cache(start: number, length: number, done: (data: Uint8Array) => void): void {
    this.get(start, length, done);
  }

  get_from_cache(start: number, length: number): Uint8Array | undefined {
    try {
      return this.disk.readNow(start, length);
    } catch (error) {
      this.onError(error);
      return undefined;
    }
  }

  /** The disk is no part of a saved state: its chunks are stored on their own. */
  get_state(): [] {
    return [];
  }

  set_state(): void {
    // Nothing was saved, see get_state.
  }
}
