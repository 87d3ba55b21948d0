/** Finds out what a file is by its content. File names are never asked. */
import type { ByteSource } from "./byte-source.js";
import { isGzip } from "./gzip.js";
import { isSquashfs } from "./squashfs.js";
import { isTar } from "./tar.js";

/**
 * `disk` is an image with a boot sector, thus perhaps with partitions; `kernel`, `ext4` and `iso` are told apart
 * because people try them.
 */
export type Content =
  "squashfs" | "tar" | "disk" | "gzip" | "xz" | "zstd" | "kernel" | "ext4" | "iso" | "unknown";

const HEAD_BYTES = 64 * 1024;

interface Mark {
  readonly content: Content;
  readonly at: number;
  readonly bytes: readonly number[];
}

const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));

/** In the order they are looked for: a bzImage and an ISO image have a boot sector's mark as well. */
const MARKS: readonly Mark[] = [
  { content: "xz", at: 0, bytes: [0xfd, ...ascii("7zXZ"), 0] },
  { content: "zstd", at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  // Linux, Documentation/arch/x86/boot.rst: "HdrS".
  { content: "kernel", at: 0x202, bytes: ascii("HdrS") },
  // ECMA-119, 8.1.2, in sector 16 of 2048 bytes.
  { content: "iso", at: 0x8001, bytes: ascii("CD001") },
  // Linux, fs/ext4/ext4.h: s_magic in the superblock at byte 1024.
  { content: "ext4", at: 0x438, bytes: [0x53, 0xef] },
  { content: "disk", at: 510, bytes: [0x55, 0xaa] },
];

export async function detectContent(file: ByteSource): Promise<Content> {
  const head = await file.read(0, Math.min(HEAD_BYTES, file.byteLength));
  if (isSquashfs(head)) return "squashfs";
  if (isGzip(head)) return "gzip";
  if (isTar(head)) return "tar";
  const mark = MARKS.find(({ at, bytes }) => bytes.every((byte, i) => head[at + i] === byte));
  return mark?.content ?? "unknown";
}
