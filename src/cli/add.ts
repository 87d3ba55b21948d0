/** `add FILE`: makes a firmware of a file. It appears under its name when it is complete, or not at all. */
import { mkdir, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { alignToOverlay } from "../image/squashfs.js";
import {
  type FirmwareManifest,
  isName,
  MANIFEST_FORMAT,
  MAX_TITLE_CHARACTERS,
} from "../firmware/manifest.js";
import type { Context } from "./context.js";
import { CommandError, hasCode, MissingToolError, UsageError } from "./errors.js";
import { identifyFile, identifyKernel, KERNEL } from "./kernel.js";
import { publishIfBuilt } from "./publish.js";
import { makeRootImage, type RootImage } from "./root-image.js";
import { inspectRouterRoot, type Release } from "./router-root.js";
import { checkNewName, shelve, temporaryFolder, writeManifest } from "./shelf.js";
import { MEBIBYTE, mebibytes } from "./units.js";

export interface AddOptions {
  readonly name?: string | undefined;
  readonly title?: string | undefined;
  /** size of the disk in MiB, as typed */
  readonly disk?: string | undefined;
  readonly force?: boolean | undefined;
}

const ROOT_FILE = "rootfs.squashfs";

/** Up to 100 MiB OpenWrt formats the overlay as ext4, which is smaller than f2fs (fstools, libfstools/rootdisk.c). */
const DEFAULT_DISK_MIB = 96;
const MAX_DISK_MIB = 1024;
/** Least overlay that holds a journal and some packages, in bytes. */
const MIN_OVERLAY_BYTES = 8 * MEBIBYTE;

/**
 * @param file path of the file, relative to the context's working directory
 * @throws {CommandError | ImageError} no firmware can be made of it; nothing was changed
 * @throws the signal's reason, when it is aborted; nothing was changed
 */
export async function addFirmware(
  file: string,
  options: AddOptions,
  context: Context,
): Promise<void> {
  const { project, signal, print } = context;
  const path = resolve(context.workingDirectory, file);
  const diskBytes = parseDisk(options.disk);
  checkTitle(options.title);
  const name = options.name ?? nameOf(path);
  const replace = options.force ?? false;
  await checkNewName(project, name, replace);
  await checkInput(path, file);
  const kernel = await identifyKernel(project, KERNEL);

  const scratch = await temporaryFolder(project);
  try {
    const made = join(scratch, "new");
    await mkdir(made);
    const rootPath = join(made, ROOT_FILE);
    const image = await makeRootImage(path, scratch, rootPath, signal);
    const root = { file: ROOT_FILE, ...(await identifyFile(rootPath)) };
    checkRoom(root.bytes, diskBytes);
    const release = await lookInside(rootPath, context);
    const manifest: FirmwareManifest = {
      format: MANIFEST_FORMAT,
      name,
      title: options.title ?? (release.description || name),
      version: release.version || "unknown",
      kernel,
      root,
      diskBytes,
    };
    await writeManifest(made, manifest);
    signal.throwIfAborted();
    await shelve(project, name, made, replace);
    report(manifest, image, print);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  await publishIfBuilt(project, print);
}

/** A name made of a file's: without folder and endings, in the characters that a name may have. */
export function nameOf(path: string): string {
  const name = basename(path)
    .toLowerCase()
    .replace(/(\.(img|tar|tgz|txz|squashfs|gz|xz|zst))+$/, "")
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/\.{2,}/g, ".")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 64)
    .replace(/[^a-z0-9]+$/, "");
  if (isName(name)) return name;
  throw new UsageError(`No name can be made of "${basename(path)}". Give --name.`);
}

function parseDisk(typed: string | undefined): number {
  if (typed === undefined) return DEFAULT_DISK_MIB * MEBIBYTE;
  const mebi = /^\d{1,4}$/.test(typed) ? Number(typed) : 0;
  if (mebi < 1 || mebi > MAX_DISK_MIB)
    throw new UsageError(
      `--disk takes a whole number of MiB from 1 to ${MAX_DISK_MIB}, not "${typed}".`,
    );
  return mebi * MEBIBYTE;
}

function checkTitle(title: string | undefined): void {
  if (title === undefined || (title !== "" && title.length <= MAX_TITLE_CHARACTERS)) return;
  throw new UsageError(`--title takes 1 to ${MAX_TITLE_CHARACTERS} characters.`);
}

async function checkInput(path: string, typed: string): Promise<void> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new CommandError(`${typed} is not a file.`);
    if (found.size === 0)
      throw new CommandError(`${typed} is empty (zero bytes). Download it again.`);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR"))
      throw new CommandError(`There is no file ${typed}.`);
    if (hasCode(error, "EACCES")) throw new CommandError(`${typed} must not be read by you.`);
    throw error;
  }
}

/** A squashfs can be added without squashfs-tools; it is then not looked into. */
async function lookInside(rootPath: string, { signal, print }: Context): Promise<Release> {
  try {
    return await inspectRouterRoot(rootPath, signal);
  } catch (error) {
    if (!(error instanceof MissingToolError)) throw error;
    print("The image was not looked into, as squashfs-tools is not installed.");
    return { description: "", version: "" };
  }
}

function checkRoom(rootBytes: number, diskBytes: number): void {
  const rest = diskBytes - alignToOverlay(rootBytes);
  if (rest >= MIN_OVERLAY_BYTES) return;
  const needed = Math.ceil((alignToOverlay(rootBytes) + MIN_OVERLAY_BYTES) / MEBIBYTE);
  const what =
    rest < 0
      ? `The root of ${mebibytes(rootBytes)} is larger than the disk of ${mebibytes(diskBytes)}.`
      : `The root of ${mebibytes(rootBytes)} leaves ${mebibytes(rest)} of the disk of ${mebibytes(diskBytes)} to the overlay, and 8 MiB are the least.`;
  const remedy =
    needed <= MAX_DISK_MIB ? `Give --disk ${needed} or more.` : "Take a smaller image.";
  throw new CommandError(`${what} ${remedy}`);
}

function report(
  manifest: FirmwareManifest,
  { origin, superblock }: RootImage,
  print: (line: string) => void,
): void {
  const { name, title, root, diskBytes } = manifest;
  const overlay = alignToOverlay(superblock.bytesUsed);
  print(`${name}: added.`);
  print(`  title    ${title}`);
  print(`  from     ${origin}`);
  print(`  root     squashfs, ${superblock.compression}, ${mebibytes(root.bytes)}`);
  print(
    `  overlay  from byte ${overlay} of the disk, ${mebibytes(diskBytes - overlay)} of ${mebibytes(diskBytes)}`,
  );
  print(`Open the page with ?firmware=${name}`);
}
