/** Bytes that can be read at any place: a file, a blob, memory. */
export interface ByteSource {
  /** size in bytes */
  readonly byteLength: number;

  /**
   * @param offset first byte, at least 0
   * @param length number of bytes; `offset + length` is at most {@link byteLength}
   * @returns exactly `length` bytes, which the caller must not change
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** @param bytes kept, not copied */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    byteLength: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}
