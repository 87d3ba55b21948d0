/**
 * The whole disk as one raw file, as an emulator or `dd` takes it.
 *
 * Made of references where it can be: neither the space that nothing was written to nor the image below is copied for
 * every hole in the chunks.
 */
import type { Chunks } from "./chunk-store.js";

/** Zeros that all parts of a file share. In bytes. */
const ZEROS_BYTES = 1024 * 1024;

/**
 * @param base the image at the start of the disk
 * @param chunks whole chunks by number, over the image
 * @param diskBytes size of the disk, at least that of the image
 * @param chunkBytes size of a chunk; the disk may end inside the last one
 */
export function diskImage(
  base: Uint8Array<ArrayBuffer>,
  chunks: Chunks,
  diskBytes: number,
  chunkBytes: number,
): Blob {
  const image = new Blob([base]);
  const zeros = new Blob([new Uint8Array(ZEROS_BYTES)]);
  const parts: BlobPart[] = [];
  let end = 0;

  /** The disk below the chunks, from `end` to here. */
  function below(to: number): void {
    if (end < image.size) parts.push(image.slice(end, to));
    for (let at = Math.max(end, image.size); at < to; at += ZEROS_BYTES)
      parts.push(zeros.slice(0, to - at));
    end = Math.max(end, to);
  }

  for (const index of [...chunks.keys()].sort((a, b) => a - b)) {
    const start = index * chunkBytes;
    const chunk = chunks.get(index)?.subarray(0, diskBytes - start);
    if (!chunk) continue;
    below(start);
    parts.push(chunk);
    end = start + chunk.length;
  }
  below(diskBytes);
  return new Blob(parts, { type: "application/octet-stream" });
}
