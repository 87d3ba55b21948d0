/** Bytes in one MiB. */
export const MEBIBYTE = 1024 * 1024;

/** A size as people read it, for example "2.7 MiB" or "96 MiB". */
export function mebibytes(bytes: number): string {
  return `${String(Math.round((bytes / MEBIBYTE) * 10) / 10)} MiB`;
}
