/**
 * The header of a squashfs 4.0 image, and what follows from it: where the image ends and where the overlay begins.
 * Never looks at the files inside.
 *
 * @see Linux, fs/squashfs/squashfs_fs.h: struct squashfs_super_block; fs/squashfs/super.c for what the kernel refuses
 */
import { ImageError } from "./image-error.js";

/** Size of the superblock in bytes. */
export const SUPERBLOCK_BYTES = 96;

/** fstools, libfstools/rootdisk.c: ROOTDEV_OVERLAY_ALIGN. In bytes. */
export const OVERLAY_ALIGN = 64 * 1024;

/** "hsqs": 0x73717368 as a little-endian u32. */
const MAGIC = 0x73717368;

/** squashfs_fs.h: ZLIB_COMPRESSION = 1 and the following. */
const COMPRESSIONS = ["gzip", "lzma", "lzo", "xz", "lz4", "zstd"] as const;
export type SquashfsCompression = (typeof COMPRESSIONS)[number];

/** squashfs_fs.h: SQUASHFS_FILE_MAX_LOG is 20; mksquashfs makes no blocks below 4 KiB. */
const MIN_BLOCK_LOG = 12;
const MAX_BLOCK_LOG = 20;

export interface SquashfsSuperblock {
  readonly compression: SquashfsCompression;
  /** size of a data block in bytes, a power of two from 4 KiB to 1 MiB */
  readonly blockBytes: number;
  /** number of files, directories and other inodes */
  readonly inodes: number;
  /** when the image was made, in seconds since 1970 */
  readonly made: number;
  /** size of the image in bytes, without padding */
  readonly bytesUsed: number;
}

/** Whether these bytes begin as a squashfs of any version does. */
export function isSquashfs(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && view(bytes).getUint32(0, true) === MAGIC;
}

/**
 * @param bytes the image, or at least its first 96 bytes
 * @param imageBytes size of what holds the image, when known; the image must fit into it
 * @throws {ImageError} `empty`, `truncated`, `not-squashfs`, `unsupported` or `damaged`
 */
export function readSuperblock(bytes: Uint8Array, imageBytes?: number): SquashfsSuperblock {
  if (bytes.length === 0 || imageBytes === 0)
    throw new ImageError("empty", "The image is empty (zero bytes). Get the file again.");
  if (!isSquashfs(bytes))
    throw new ImageError(
      "not-squashfs",
      'This is not a squashfs image: it does not begin with "hsqs". Take the file with "squashfs" in its name.',
    );
  if (bytes.length < SUPERBLOCK_BYTES)
    throw new ImageError(
      "truncated",
      `The squashfs image is truncated: it has ${bytes.length} bytes, less than its header. Get the file again.`,
    );

  const header = view(bytes);
  checkVersion(header.getUint16(28, true), header.getUint16(30, true));
  const bytesUsed = Number(header.getBigUint64(40, true));
  checkSize(bytesUsed, imageBytes);
  return {
    compression: compression(header.getUint16(20, true)),
    blockBytes: blockBytes(header.getUint32(12, true), header.getUint16(22, true)),
    inodes: header.getUint32(4, true),
    made: header.getUint32(8, true),
    bytesUsed,
  };
}

/**
 * Where OpenWrt's fstools will put the overlay on a device whose root is this squashfs.
 *
 * @param superblock the image, or at least its first 96 bytes
 * @returns byte offset of the overlay on the device, a multiple of 64 KiB
 * @throws {ImageError} not the superblock of a squashfs 4.0
 * @see fstools, libfstools/rootdisk.c: ROOTDEV_OVERLAY_ALIGN
 */
export function overlayOffset(superblock: Uint8Array): number {
  return alignToOverlay(readSuperblock(superblock).bytesUsed);
}

/** @returns the first multiple of 64 KiB that is at least `bytes` */
export function alignToOverlay(bytes: number): number {
  return Math.ceil(bytes / OVERLAY_ALIGN) * OVERLAY_ALIGN;
}

function checkVersion(major: number, minor: number): void {
  if (major === 4 && minor === 0) return;
  throw new ImageError(
    "unsupported",
    `The image is a squashfs of version ${major}.${minor}; Linux reads version 4.0. Take a newer OpenWrt release.`,
  );
}

function checkSize(bytesUsed: number, imageBytes: number | undefined): void {
  if (bytesUsed < SUPERBLOCK_BYTES || !Number.isSafeInteger(alignToOverlay(bytesUsed)))
    throw damaged(`it gives ${bytesUsed} bytes as its size`);
  if (imageBytes !== undefined && bytesUsed > imageBytes)
    throw new ImageError(
      "truncated",
      `The squashfs image is truncated: it needs ${bytesUsed} bytes and ${imageBytes} are there. Get the file again.`,
    );
}

function compression(id: number): SquashfsCompression {
  const found = COMPRESSIONS[id - 1];
  if (found === undefined) throw damaged(`it names the unknown compression ${id}`);
  return found;
}

function blockBytes(bytes: number, log: number): number {
  if (log < MIN_BLOCK_LOG || log > MAX_BLOCK_LOG || bytes !== 2 ** log)
    throw damaged(`it gives ${bytes} bytes and 2^${log} bytes as its block size`);
  return bytes;
}

function damaged(what: string): ImageError {
  return new ImageError(
    "damaged",
    `The header of the squashfs image is damaged: ${what}. Get the file again.`,
  );
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
