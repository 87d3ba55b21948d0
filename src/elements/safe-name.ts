/** Names for files in the router, made of names that a person's computer has. */

/** Linux allows 255 bytes; what makes a name unique, and what marks it as unfinished, needs some. */
const MAX_BYTES = 200;

/**
 * A name that can be typed in a shell without quotes and that means nothing but itself.
 *
 * @param name what a computer calls the file; may be anything
 * @returns letters and digits of any script and `. _ + @ = , -`; never empty, hidden, an option, or a path
 */
export function safeFileName(name: string): string {
  const plain = (name.split(/[/\\]/).at(-1) ?? "")
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}._+@=,-]+/gu, "_")
    .replace(/^[-.]+/, "");
  const extension = /\.[^.]{1,20}$/.exec(plain)?.[0] ?? "";
  const stem = plain.slice(0, plain.length - extension.length);
  return cut(stem, MAX_BYTES - bytesOf(extension)) + extension || "file";
}

/** The longest beginning of whole characters that takes at most so many bytes. */
function cut(text: string, bytes: number): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read);
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
