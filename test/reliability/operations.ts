/**
 * What the guest does to its files, in a form that the harness can follow byte by byte.
 *
 * All content comes from one file of the ROM that both sides can read, the pool, so an operation is one short line and
 * its result is known before it begins. Every operation ends with an fsync or a sync and is then acknowledged.
 */
import { createHash } from "node:crypto";
import type { Random } from "./random.js";

/** Sizes in bytes. */
const BLOCK = 4096;
const SECTOR = 512;
const LARGEST_WRITE = 300 * 1024;
const LARGE_BYTES = 6 * 1024 * 1024;

export type Operation =
  /** `dd … conv=fsync` over whatever is there; the content is the `part`th run of `bytes` bytes of the pool */
  | { readonly kind: "write"; readonly path: string; readonly bytes: number; readonly part: number }
  /** the same into `path.new`, which is then renamed over `path` */
  | {
      readonly kind: "replace";
      readonly path: string;
      readonly bytes: number;
      readonly part: number;
    }
  /** block `at` of the file becomes block `part` of the pool, in place */
  | { readonly kind: "patch"; readonly path: string; readonly at: number; readonly part: number }
  /** the whole pool `times` times */
  | { readonly kind: "large"; readonly path: string; readonly times: number }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  | { readonly kind: "delete"; readonly path: string };

/** Content by absolute path in the router; a path that is not in it does not exist. */
export type Files = ReadonlyMap<string, Buffer>;

/** Files of the ROM that nobody needs, in both firmwares: writing one is a copy-up, deleting one a whiteout. */
export const ROM_FILES = [
  "/etc/banner.failsafe",
  "/etc/sysupgrade.conf",
  "/lib/upgrade/keep.d/base-files",
  "/www/index.html",
];

const OWN_FILES = [
  "/root/kill-0",
  "/root/kill-1",
  "/root/kill.d/deep/er",
  "/etc/kill-0",
  "/etc/kill-1",
  "/etc/kill.d/0",
  "/www/kill-0",
  "/usr/lib/kill-0",
  "/usr/lib/kill.d/0",
  "/kill-0",
];
const REPLACED_FILES = OWN_FILES.slice(0, 5);
const LARGE_FILE = "/root/kill-large";

/** Every path that an operation may touch. */
export const PATHS = [
  ...OWN_FILES,
  ...REPLACED_FILES.map(temporary),
  LARGE_FILE,
  ...ROM_FILES,
] as const;

/**
 * Operations that make sense one after the other.
 *
 * @param before what is there when they begin
 * @param share how many of a hundred are large writes
 */
export function plan(
  random: Random,
  before: Files,
  pool: Buffer,
  count: number,
  share = 2,
): Operation[] {
  const operations: Operation[] = [];
  let files = before;
  while (operations.length < count) {
    const operation = draw(random, files, pool, share);
    if (!operation) continue;
    operations.push(operation);
    files = apply(files, operation, pool);
  }
  return operations;
}

function draw(random: Random, files: Files, pool: Buffer, share: number): Operation | undefined {
  if (random.between(1, 100) <= share)
    return { kind: "large", path: LARGE_FILE, times: Math.ceil(LARGE_BYTES / pool.length) };
  const dice = random.between(1, 100);
  if (dice <= 50)
    return {
      kind: "write",
      path: random.pick([...OWN_FILES, ...ROM_FILES]),
      ...content(random, pool),
    };
  if (dice <= 68)
    return { kind: "replace", path: random.pick(REPLACED_FILES), ...content(random, pool) };
  const there = [...OWN_FILES, ...ROM_FILES].filter((path) => files.has(path));
  if (there.length === 0) return undefined;
  const path = random.pick(there);
  if (dice <= 80) {
    const blocks = Math.floor((files.get(path)?.length ?? 0) / BLOCK);
    if (blocks === 0) return undefined;
    const part = random.between(0, Math.floor(pool.length / BLOCK) - 1);
    return { kind: "patch", path, at: random.between(0, blocks - 1), part };
  }
  if (dice <= 90) {
    const to = random.pick(OWN_FILES);
    return ROM_FILES.includes(path) || to === path ? undefined : { kind: "rename", path, to };
  }
  return { kind: "delete", path };
}

function content(random: Random, pool: Buffer): { bytes: number; part: number } {
  const bytes = random.magnitude(1, Math.min(LARGEST_WRITE, pool.length));
  return { bytes, part: random.between(0, Math.floor(pool.length / bytes) - 1) };
}

/** The files after an operation that was completed. */
export function apply(files: Files, operation: Operation, pool: Buffer): Files {
  const after = new Map(files);
  switch (operation.kind) {
    case "write":
    case "replace":
    case "large":
      after.set(operation.path, newContent(operation, pool));
      if (operation.kind === "replace") after.delete(temporary(operation.path));
      break;
    case "patch":
      after.set(operation.path, patched(files.get(operation.path), operation, pool));
      break;
    case "rename": {
      const moved = files.get(operation.path);
      if (moved) after.set(operation.to, moved);
      after.delete(operation.path);
      break;
    }
    case "delete":
      after.delete(operation.path);
  }
  return after;
}

/** The paths that an operation may change. */
export function touched(operation: Operation): string[] {
  if (operation.kind === "rename") return [operation.path, operation.to];
  if (operation.kind === "replace") return [operation.path, temporary(operation.path)];
  return [operation.path];
}

/** Whether these can be the files, as far as the operation touches them, when it was cut short or had not begun. */
export function couldBeUnderWay(
  found: Files,
  before: Files,
  operation: Operation,
  pool: Buffer,
): boolean {
  const done = apply(before, operation, pool);
  const paths = touched(operation);
  if (same(found, before, paths) || same(found, done, paths)) return true;
  const { path } = operation;
  const was = before.get(path);
  const is = found.get(path);
  switch (operation.kind) {
    case "write":
    case "large":
      return is !== undefined && isBegun(is, newContent(operation, pool));
    case "replace": {
      const begun = found.get(temporary(path));
      return (
        sameContent(is, was) && begun !== undefined && isBegun(begun, newContent(operation, pool))
      );
    }
    case "patch":
      return isMixed(is, was, done.get(path));
    case "rename":
    case "delete":
      return false;
  }
}

/** Whether both hold the same at these paths. */
export function same(one: Files, other: Files, paths: readonly string[]): boolean {
  return paths.every((path) => sameContent(one.get(path), other.get(path)));
}

function sameContent(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

/** A file that was cut off, then written from its start: any part of it may be missing or not be filled yet. */
function isBegun(found: Buffer, content: Buffer): boolean {
  if (found.length > content.length) return false;
  for (let at = 0; at < found.length; at += BLOCK) {
    const block = found.subarray(at, at + BLOCK);
    const isNew = block.equals(content.subarray(at, at + block.length));
    if (!isNew && block.some((byte) => byte !== 0)) return false;
  }
  return true;
}

/** A file overwritten in place: each sector is the old or the new one. */
function isMixed(found?: Buffer, before?: Buffer, after?: Buffer): boolean {
  if (!found || !before || !after || found.length !== after.length) return false;
  for (let at = 0; at < found.length; at += SECTOR) {
    const sector = found.subarray(at, at + SECTOR);
    const isOne = [before, after].some((file) => sector.equals(file.subarray(at, at + SECTOR)));
    if (!isOne) return false;
  }
  return true;
}

function newContent(
  operation: Operation & { kind: "write" | "replace" | "large" },
  pool: Buffer,
): Buffer {
  if (operation.kind === "large") return Buffer.concat(Array<Buffer>(operation.times).fill(pool));
  const start = operation.bytes * operation.part;
  return pool.subarray(start, start + operation.bytes);
}

function patched(
  file: Buffer | undefined,
  { at, part }: Operation & { kind: "patch" },
  pool: Buffer,
): Buffer {
  const result = Buffer.from(file ?? []);
  pool.copy(result, at * BLOCK, part * BLOCK, (part + 1) * BLOCK);
  return result;
}

/** Where `replace` writes before it renames. */
function temporary(path: string): string {
  return `${path}.new`;
}

/** MD5 of a file in hex, as `md5sum` gives it; "none" when there is no file. */
export function md5(content: Buffer | undefined): string {
  return content ? createHash("md5").update(content).digest("hex") : "none";
}
