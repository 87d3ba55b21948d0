/** CRC-32 with the reflected polynomial 0xEDB88320, as GPT (UEFI specification 2.10, 5.3.2) and gzip (RFC 1952) use it. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * @param before checksum of the bytes before these, 0 at the start
 * @returns checksum of everything so far, an unsigned 32-bit integer
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let value = ~before;
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0);
  return ~value >>> 0;
}
