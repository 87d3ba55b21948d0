/**
 * Cuts a chunk of an older, larger chunk size.
 *
 * @param index number of the chunk
 * @param chunk its bytes
 * @param chunkBytes size of the parts in bytes, a divisor of the chunk's
 * @param diskBytes size of the disk; parts beyond its end are left out
 * @returns the parts by their own numbers, each in a buffer of its own
 */
export function cutChunk(
  index: number,
  chunk: Uint8Array,
  chunkBytes: number,
  diskBytes: number,
): [number, Uint8Array<ArrayBuffer>][] {
  const count = chunk.length / chunkBytes;
  return Array.from({ length: count }, (_, part): [number, Uint8Array<ArrayBuffer>] => [
    index * count + part,
    chunk.slice(part * chunkBytes, (part + 1) * chunkBytes),
  ]).filter(([number]) => number * chunkBytes < diskBytes);
}
