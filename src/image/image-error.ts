/**
 * - `empty`: there are no bytes at all
 * - `truncated`: the image ends before the content its header announces
 * - `not-squashfs`: the first bytes are not those of a squashfs
 * - `unsupported`: a squashfs or partition table of a kind that is not read here
 * - `damaged`: a header contradicts itself or its checksum
 */
export type ImageProblem = "empty" | "truncated" | "not-squashfs" | "unsupported" | "damaged";

/** A disk or root image cannot be used. `message` can be shown as it is; nothing was changed. */
export class ImageError extends Error {
  override readonly name = "ImageError";

  constructor(
    readonly code: ImageProblem,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
