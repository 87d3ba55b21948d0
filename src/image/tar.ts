const HEADER_BYTES = 512;
/** Where the header has its checksum, in octal digits. */
const CHECKSUM_AT = 148;
const CHECKSUM_END = 156;

/**
 * Whether the first header's checksum is right: the sum of its 512 bytes, the checksum's own eight as spaces. That
 * holds for every kind of tar, also those without "ustar".
 *
 * @see POSIX, pax, "ustar Interchange Format"
 */
export function isTar(head: Uint8Array): boolean {
  if (head.length < HEADER_BYTES || head[0] === 0) return false;
  const field = new TextDecoder("latin1")
    .decode(head.subarray(CHECKSUM_AT, CHECKSUM_END))
    .replace(/[\0 ]+$/, "");
  if (!/^ *[0-7]{1,7}$/.test(field)) return false;
  let sum = 0;
  for (let at = 0; at < HEADER_BYTES; at++)
    sum += at >= CHECKSUM_AT && at < CHECKSUM_END ? 0x20 : (head[at] ?? 0);
  return sum === parseInt(field, 8);
}
