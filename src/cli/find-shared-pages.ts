/** Finds the pages of a guest's memory that its root image holds as well (src/snapshot/shared-pages.ts). */
import { inflateSync } from "node:zlib";
import { readSuperblock, SUPERBLOCK_BYTES } from "../image/squashfs.js";
import { PAGE_BYTES, type SharedBlock, type SharedPage } from "../snapshot/shared-pages.js";

/** Where a page of the image is. */
interface Place {
  readonly offset: number;
  readonly bytes: number;
  readonly block: number;
}

/**
 * @param root a squashfs; only one that is compressed with gzip is looked into, as browsers can read no other
 * @returns finds the pages in a memory, block by block; what it is given is not changed
 */
export function sharedPageFinder(root: Uint8Array): (memory: Uint8Array) => SharedBlock[] {
  const { compression, blockBytes } = readSuperblock(root, root.length);
  const places = new Map<string, Place>();
  if (compression === "gzip")
    for (const { offset, bytes, content } of dataBlocks(root, blockBytes))
      for (let at = 0; at < content.length; at += PAGE_BYTES) {
        const page = Buffer.alloc(PAGE_BYTES);
        content.copy(page, 0, at, at + PAGE_BYTES);
        const key = page.toString("latin1");
        if (!places.has(key)) places.set(key, { offset, bytes, block: at / PAGE_BYTES });
      }
  places.delete("\0".repeat(PAGE_BYTES));
  return (memory) => find(memory, places);
}

function find(memory: Uint8Array, places: ReadonlyMap<string, Place>): SharedBlock[] {
  const blocks = new Map<number, { bytes: number; pages: SharedPage[] }>();
  const view = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  for (let guest = 0; guest < memory.length / PAGE_BYTES; guest++) {
    const at = guest * PAGE_BYTES;
    const place = places.get(view.toString("latin1", at, at + PAGE_BYTES));
    if (!place) continue;
    const { offset, bytes, block } = place;
    const found = blocks.get(offset) ?? { bytes, pages: [] };
    found.pages.push({ guest, block });
    blocks.set(offset, found);
  }
  return [...blocks].map(([offset, found]) => ({ offset, ...found }));
}

/**
 * The image's zlib streams. Where its files lie is written in inodes that are not read here: whatever is no page of a
 * file is in no memory either, and finds nothing.
 */
function* dataBlocks(
  root: Uint8Array,
  blockBytes: number,
): Generator<{ offset: number; bytes: number; content: Buffer }> {
  let offset = SUPERBLOCK_BYTES;
  while (offset < root.length) {
    const found = looksLikeZlib(root, offset) && inflate(root.subarray(offset), blockBytes);
    if (found) yield { offset, ...found };
    offset += found ? found.bytes : 1;
  }
}

/** RFC 1950, 2.2: deflate with a window of at most 32 KiB, and a check of both bytes. */
function looksLikeZlib(root: Uint8Array, at: number): boolean {
  const [method = 0, flags = 0] = root.subarray(at, at + 2);
  return (method & 0x0f) === 8 && method >> 4 <= 7 && (method * 256 + flags) % 31 === 0;
}

function inflate(bytes: Uint8Array, most: number): { bytes: number; content: Buffer } | undefined {
  try {
    // `info` gives the engine, which knows how much it took; @types/node has no word for it.
    const { buffer, engine } = inflateSync(bytes, {
      maxOutputLength: most,
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return { bytes: engine.bytesWritten, content: buffer };
  } catch {
    return undefined;
  }
}
