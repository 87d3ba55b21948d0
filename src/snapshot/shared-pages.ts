/**
 * Pages of a saved memory that the root image holds as well: programs and files in the guest's page cache. A state can
 * leave them out, for zeros cost nothing in it; a list says where in the squashfs each of them is.
 *
 * The list is made of little-endian u32: "OPRP", version 1, number of blocks; then of each block its byte offset and
 * length in the image (one zlib stream, squashfs_fs.h: ZLIB_COMPRESSION), the number of its pages, and of each page
 * its number in the guest's memory × 256 + its number in the block. A block has at most 256 pages
 * (SQUASHFS_FILE_MAX_LOG is 20).
 */

/** Size of a page in bytes (Linux, arch/x86: PAGE_SIZE). */
export const PAGE_BYTES = 4096;
/** Pages of the largest block of a squashfs. */
const MAX_BLOCK_PAGES = 256;
const MAGIC = 0x5052504f;
const VERSION = 1;
const HEADER_WORDS = 3;
const BLOCK_WORDS = 3;

/** A block of the squashfs, and which pages of the memory are pages of it. */
export interface SharedBlock {
  /** byte offset in the image */
  readonly offset: number;
  /** size in the image in bytes, compressed */
  readonly bytes: number;
  readonly pages: readonly SharedPage[];
}

export interface SharedPage {
  /** number of the page in the guest's memory */
  readonly guest: number;
  /** number of the page in the block, 0 to 255; one that reaches over the block's end goes on with zeros */
  readonly block: number;
}

/** A page to be put into the guest's memory. */
export interface MemoryPage {
  /** byte address */
  readonly address: number;
  readonly content: Uint8Array;
}

/** @returns the list of these blocks */
export function encodeSharedPages(blocks: readonly SharedBlock[]): Uint8Array<ArrayBuffer> {
  const words = [MAGIC, VERSION, blocks.length];
  for (const { offset, bytes, pages } of blocks) {
    words.push(offset, bytes, pages.length);
    for (const { guest, block } of pages) words.push(guest * MAX_BLOCK_PAGES + block);
  }
  const list = new DataView(new ArrayBuffer(words.length * 4));
  words.forEach((word, at) => list.setUint32(at * 4, word, true));
  return new Uint8Array(list.buffer);
}

/**
 * Reads the pages of a list out of the root image.
 *
 * @param root the squashfs
 * @param memoryBytes size of the guest's memory
 * @throws {RangeError} the list is damaged, or of another image
 */
export async function readSharedPages(
  list: ArrayBuffer,
  root: ArrayBuffer,
  memoryBytes: number,
): Promise<MemoryPage[]> {
  const blocks = decodeSharedPages(list, root.byteLength, memoryBytes);
  const read = blocks.map(async ({ offset, bytes, pages }) => {
    const content = await inflated(new Uint8Array(root, offset, bytes));
    return pages.map(({ guest, block }) => {
      const page = content.slice(block * PAGE_BYTES, (block + 1) * PAGE_BYTES);
      if (page.length === 0) throw damaged();
      return { address: guest * PAGE_BYTES, content: page };
    });
  });
  return (await Promise.all(read)).flat();
}

function decodeSharedPages(
  list: ArrayBuffer,
  rootBytes: number,
  memoryBytes: number,
): SharedBlock[] {
  const view = new DataView(list);
  const words = Math.floor(list.byteLength / 4);
  const word = (at: number) => {
    if (at >= words) throw damaged();
    return view.getUint32(at * 4, true);
  };
  if (word(0) !== MAGIC || word(1) !== VERSION) throw damaged();
  const blocks: SharedBlock[] = [];
  let at = HEADER_WORDS;
  let left = memoryBytes / PAGE_BYTES;
  for (let number = word(2); number > 0; number--) {
    const [offset, bytes, count] = [word(at), word(at + 1), word(at + 2)];
    at += BLOCK_WORDS;
    // Every page of the memory once at most: a list cannot ask for more work than that.
    left -= Math.max(1, count);
    if (offset + bytes > rootBytes || left < 0 || at + count > words) throw damaged();
    const pages = Array.from({ length: count }, (_, page) => ({
      guest: Math.floor(word(at + page) / MAX_BLOCK_PAGES),
      block: word(at + page) % MAX_BLOCK_PAGES,
    }));
    if (pages.some(({ guest }) => (guest + 1) * PAGE_BYTES > memoryBytes)) throw damaged();
    at += count;
    blocks.push({ offset, bytes, pages });
  }
  return blocks;
}

/** @returns what a zlib stream holds, at most 1 MiB */
async function inflated(stream: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const content = new Uint8Array(MAX_BLOCK_PAGES * PAGE_BYTES);
  let length = 0;
  try {
    const reader = new Blob([stream])
      .stream()
      .pipeThrough(new DecompressionStream("deflate"))
      .getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return content.subarray(0, length);
      if (length + value.length > content.length) {
        await reader.cancel();
        throw damaged();
      }
      content.set(value, length);
      length += value.length;
    }
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): RangeError {
  return new RangeError("The list of the root's pages in the saved memory is damaged.", { cause });
}
