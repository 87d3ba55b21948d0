/**
 * Makes a root image, a squashfs that ends where its superblock says, of whatever OpenWrt publishes: a squashfs, a disk
 * image that holds one, a root tarball, each of them compressed or not.
 */
import { join } from "node:path";
import type { ByteSource } from "../image/byte-source.js";
import { readPartitions } from "../image/partitions.js";
import {
  isSquashfs,
  readSuperblock,
  SUPERBLOCK_BYTES,
  type SquashfsCompression,
  type SquashfsSuperblock,
} from "../image/squashfs.js";
import { MAX_DISK_BYTES, MAX_ROOT_BYTES } from "../firmware/manifest.js";
import { type Content, detectContent } from "../image/content.js";
import { CommandError } from "./errors.js";
import { withSource, writeChunks } from "./file-source.js";
import { gunzip } from "./gunzip.js";
import { repackTarball } from "./tarball.js";
import { runTool } from "./tool.js";

/** Linux reads a squashfs in whole pages, so that the last one must be there. In bytes. */
const PAGE_BYTES = 4096;
const COPY_BYTES = 1024 * 1024;

/** What kernels/v86-6.12 is built with; lzma never was in Linux. */
const KERNEL_READS: readonly SquashfsCompression[] = ["gzip", "lz4", "xz", "zstd"];

export interface RootImage {
  /** what the file was, for people */
  readonly origin: string;
  readonly superblock: SquashfsSuperblock;
}

/**
 * @param path file to take the root from
 * @param scratch folder for temporary files
 * @param into file to make: the squashfs up to `bytesUsed`, filled with zeros to a multiple of 4096 bytes
 * @throws {CommandError | ImageError} the file holds no usable squashfs or root
 */
export async function makeRootImage(
  path: string,
  scratch: string,
  into: string,
  signal: AbortSignal,
): Promise<RootImage> {
  const packed = await withSource(path, detectContent);
  const unpacked = await unpack(packed, path, join(scratch, "unpacked"), signal);
  const content = unpacked === path ? packed : await withSource(unpacked, detectContent);
  const { image, origin } = await rootIn(content, unpacked, scratch, signal);
  const superblock = await withSource(image.path, (file) => cut(file, image, into, signal));
  return { origin: unpacked === path ? origin : `${origin}, ${packed}`, superblock };
}

/** @returns the file itself when it is not compressed, else `into`, which then holds the content */
async function unpack(
  content: Content,
  path: string,
  into: string,
  signal: AbortSignal,
): Promise<string> {
  const write = (chunks: AsyncIterable<Uint8Array>) =>
    writeChunks(into, chunks, MAX_DISK_BYTES, signal);
  if (content === "gzip") await write(gunzip(path));
  else if (content === "xz" || content === "zstd") {
    const debianPackage = content === "xz" ? "xz-utils" : "zstd";
    const { exitCode, complaint } = await runTool(content, ["-dc"], {
      input: path,
      output: write,
      signal,
      debianPackage,
    });
    if (exitCode !== 0)
      throw new CommandError(
        `The ${content} file is damaged or ends early (${complaint}). Download it again.`,
      );
  } else return path;
  return into;
}

/** A squashfs somewhere in a file. */
interface Place {
  readonly path: string;
  readonly start: number;
  /** bytes it may take; undefined: up to the end of the file */
  readonly length?: number;
}

async function rootIn(
  content: Content,
  path: string,
  scratch: string,
  signal: AbortSignal,
): Promise<{ image: Place; origin: string }> {
  switch (content) {
    case "squashfs":
      return { image: { path, start: 0 }, origin: "squashfs root image" };
    case "tar": {
      const repacked = join(scratch, "repacked.squashfs");
      await repackTarball(path, repacked, signal);
      return { image: { path: repacked, start: 0 }, origin: "root tarball" };
    }
    case "disk":
      return withSource(path, (disk) => rootOnDisk(disk, path));
    default:
      throw new CommandError(`${REFUSALS[content]} ${WANTED}`);
  }
}

const WANTED =
  "Take one of OpenWrt's files named *-squashfs-rootfs.img.gz, *-rootfs.tar.gz or *-combined-squashfs.img.gz.";

const REFUSALS: Record<Exclude<Content, "squashfs" | "tar" | "disk">, string> = {
  gzip: "The file is compressed twice.",
  xz: "The file is compressed twice.",
  zstd: "The file is compressed twice.",
  kernel: "The file is a Linux kernel, not a root filesystem.",
  ext4: "The file is an ext4 image, not a squashfs.",
  iso: "The file is a CD image, not a squashfs.",
  unknown: "The file is neither a squashfs nor a tarball nor a disk image.",
};

async function rootOnDisk(
  disk: ByteSource,
  path: string,
): Promise<{ image: Place; origin: string }> {
  const partitions = await readPartitions(disk);
  for (const { index, start, length } of partitions) {
    if (start + SUPERBLOCK_BYTES > disk.byteLength || length < SUPERBLOCK_BYTES) continue;
    if (!isSquashfs(await disk.read(start, SUPERBLOCK_BYTES))) continue;
    return {
      image: { path, start, length },
      origin: `partition ${index} of a disk image`,
    };
  }
  throw new CommandError(
    `The file is a disk image, and none of its ${partitions.length} partitions begins with a squashfs. ${WANTED}`,
  );
}

/** Copies the squashfs without anything that follows it: OpenWrt pads images and puts marks into the padding. */
async function cut(
  file: ByteSource,
  { start, length = Infinity }: Place,
  into: string,
  signal: AbortSignal,
): Promise<SquashfsSuperblock> {
  const available = Math.min(length, file.byteLength - start);
  const head = await file.read(start, Math.min(SUPERBLOCK_BYTES, available));
  const superblock = readSuperblock(head, available);
  const { bytesUsed, compression } = superblock;
  if (!KERNEL_READS.includes(compression))
    throw new CommandError(
      `The squashfs is compressed with ${compression}, which the playground's kernel does not read. Take an image with ${KERNEL_READS.join(", ")}.`,
    );
  if (bytesUsed > MAX_ROOT_BYTES)
    throw new CommandError(
      `The squashfs has ${bytesUsed} bytes, and a page can take ${MAX_ROOT_BYTES}. Take a smaller image.`,
    );
  await writeChunks(into, copy(file, start, bytesUsed), MAX_ROOT_BYTES + PAGE_BYTES, signal);
  return superblock;
}

async function* copy(file: ByteSource, start: number, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += COPY_BYTES)
    yield await file.read(start + at, Math.min(COPY_BYTES, length - at));
  yield new Uint8Array((PAGE_BYTES - (length % PAGE_BYTES)) % PAGE_BYTES);
}
