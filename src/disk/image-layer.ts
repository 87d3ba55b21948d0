/**
 * The lowest layer of a disk: an immutable image, and zeros from its end to the end of the disk.
 */
export class ImageLayer {
  readonly byteLength: number;
  readonly #image: Uint8Array;

  /**
   * @param image the bytes at the start of the disk; kept, not copied, and never changed
   * @param byteLength size of the disk in bytes, at least the image's
   * @throws {RangeError} the image is larger than the disk
   */
  constructor(image: Uint8Array, byteLength: number) {
    if (image.length > byteLength)
      throw new RangeError(
        `An image of ${image.length} bytes does not fit a disk of ${byteLength}.`,
      );
    this.#image = image;
    this.byteLength = byteLength;
  }

  /** Whether `bytes` are what lies at byte `offset` of the disk. */
  equals(offset: number, bytes: Uint8Array): boolean {
    const part = this.#image.subarray(offset, offset + bytes.length);
    for (let at = 0; at < bytes.length; at++) if (bytes[at] !== (part[at] ?? 0)) return false;
    return true;
  }

  /** Copies `into.length` bytes from byte `offset` of the disk. */
  copy(offset: number, into: Uint8Array): void {
    const part = this.#image.subarray(offset, offset + into.length);
    into.set(part);
    into.fill(0, part.length);
  }
}
