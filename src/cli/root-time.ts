/**
 * Sets the time of a squashfs's top folder. sqfstar 4.5 takes the present for it whatever -root-time says, which would
 * give the same tarball another digest every time.
 *
 * @see Linux, fs/squashfs/squashfs_fs.h: squashfs_super_block, squashfs_base_inode; fs/squashfs/cache.c:
 *   squashfs_read_metadata
 */
import { open } from "node:fs/promises";
import { SUPERBLOCK_BYTES } from "../image/squashfs.js";
import { CommandError } from "./errors.js";
import { fileSource } from "./file-source.js";

const ROOT_INODE = 32;
const INODE_TABLE_START = 64;
/** Metadata lies in blocks of this many bytes, each behind two bytes with its size. */
const METADATA_BYTES = 8192;
const BLOCK_HEADER_BYTES = 2;
const UNCOMPRESSED = 0x8000;
/** Of the modification time in an inode, a u32. */
const MTIME = 8;

/**
 * @param path a squashfs made with uncompressed inodes (-noI)
 * @param seconds since 1970
 * @throws {CommandError} the inodes are compressed
 */
export async function setRootTime(path: string, seconds: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    const source = fileSource(file, (await file.stat()).size);
    const superblock = viewOf(await source.read(0, SUPERBLOCK_BYTES));
    const table = Number(superblock.getBigUint64(INODE_TABLE_START, true));
    // A reference to an inode: place of its block in the table, and its place in the unpacked block.
    const reference = superblock.getBigUint64(ROOT_INODE, true);
    const firstBlock = table + Number(reference >> 16n);
    const time = viewOf(new Uint8Array(4));
    time.setUint32(0, seconds, true);
    for (let i = 0; i < 4; i++) {
      const at = Number(reference & 0xffffn) + MTIME + i;
      // An inode may go on in the next block.
      const block =
        firstBlock + Math.floor(at / METADATA_BYTES) * (BLOCK_HEADER_BYTES + METADATA_BYTES);
      const header = viewOf(await source.read(block, BLOCK_HEADER_BYTES));
      if (!(header.getUint16(0, true) & UNCOMPRESSED))
        throw new CommandError(
          "sqfstar made compressed inodes. Install squashfs-tools 4.5 or newer.",
        );
      await file.write(
        new Uint8Array(time.buffer, i, 1),
        0,
        1,
        block + BLOCK_HEADER_BYTES + (at % METADATA_BYTES),
      );
    }
  } finally {
    await file.close();
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
