/** Bytes and what is made of them. */

/** Bytes that can be transferred, stored and handed to streams: their memory is not shared with another thread. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** @returns all of them in a row, in memory of its own */
export function concat(pieces: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** @returns a view of the same memory, for numbers in it */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @returns two lower-case hexadecimal digits for each byte */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @returns one character for each byte, U+0000 to U+00FF, as in `Headers` (ISO-8859-1) */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  // String.fromCharCode takes its arguments from the stack: pieces keep that small.
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

/** The reverse of {@link latin1}. @param text characters up to U+00FF; of others the low byte is taken */
export function fromLatin1(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
