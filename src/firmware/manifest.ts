/**
 * `images/<name>/firmware.json`: what a firmware consists of. Everything in it is checked here, once; the rest of
 * the code relies on it. Keys it does not know are ignored, so that a later version may add some.
 */
import { alignToOverlay, OVERLAY_ALIGN } from "../image/squashfs.js";
import { FirmwareError } from "./errors.js";

/** Version of the format. A higher number means that this code cannot know what it reads. */
export const MANIFEST_FORMAT = 1;

/** Limits in bytes: what a page can reasonably hold in memory beside the machine. */
export const MAX_MANIFEST_BYTES = 64 * 1024;
export const MAX_KERNEL_BYTES = 64 * 1024 * 1024;
export const MAX_ROOT_BYTES = 512 * 1024 * 1024;
export const MAX_DISK_BYTES = 1024 * 1024 * 1024;

/** Of a factory state: memory as saved, and the chunks that the first boot wrote. */
export const MAX_STATE_BYTES = 256 * 1024 * 1024;

export const MAX_TITLE_CHARACTERS = 200;
const MAX_VERSION_CHARACTERS = 100;
const MAX_EARLIER_KERNELS = 8;

/** Size in bytes and SHA-256 in lower-case hex of a file. */
export interface FileIdentity {
  readonly bytes: number;
  readonly sha256: string;
}

export interface FirmwareManifest {
  readonly format: typeof MANIFEST_FORMAT;
  /** name of the firmware and of its folder below `images/` */
  readonly name: string;
  /** what a person reads in a list of firmware */
  readonly title: string;
  readonly version: string;
  /** `name` is the folder below `kernels/` that holds its bzImage */
  readonly kernel: FileIdentity & { readonly name: string };
  /** `file` lies beside firmware.json */
  readonly root: FileIdentity & { readonly file: string };
  /** size of the router's disk, a multiple of 64 KiB */
  readonly diskBytes: number;
  /** SHA-256 of kernels that this root had while stored routers were named by their kernel (src/firmware/identity.ts) */
  readonly earlierKernels?: readonly string[];
  /** a router that has finished its first boot, when one was made for this kernel; no part of the firmware's identity */
  readonly factory?: FactoryState;
}

/** Memory and disk of a router that has finished its first boot and was never touched. Its files lie beside firmware.json. */
export interface FactoryState {
  /** what made it, and what it can be restored by */
  readonly pc: PcIdentity;
  /** v86's state, compressed with zstd */
  readonly state: FileIdentity & { readonly file: string };
  /** which pages of the memory the root image holds, when the state leaves them out (src/snapshot/shared-pages.ts) */
  readonly pages?: FileIdentity & { readonly file: string };
  /** what the first boot wrote, as an exported overlay (docs/archive-format.md) */
  readonly chunks: FileIdentity & { readonly file: string };
}

/** A state fits only a PC of the same make that runs the same kernel. */
export interface PcIdentity {
  /** version of v86 */
  readonly v86: string;
  /** number of the PC's devices and their places */
  readonly devices: number;
  readonly memoryBytes: number;
  /** SHA-256 of the kernel that is in the memory, lower-case hex */
  readonly kernel: string;
}

/** Whether a state that was saved on one PC can be restored on another. */
export function isSamePc(one: PcIdentity, other: PcIdentity): boolean {
  return (
    one.v86 === other.v86 &&
    one.devices === other.devices &&
    one.memoryBytes === other.memoryBytes &&
    one.kernel === other.kernel
  );
}

/**
 * Whether this can name a firmware, a kernel or a file of them: at most 64 lower-case letters, digits, dots, lines and
 * underscores, beginning with a letter or digit, without two dots in a row. Such a name is also a safe path segment.
 */
export function isName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name) && !name.includes("..");
}

/**
 * @param text content of firmware.json, at most 64 KiB
 * @throws {FirmwareError} `manifest` or `newer`
 */
export function parseManifest(text: string): FirmwareManifest {
  const manifest = parseObject(text, "firmware.json");
  checkFormat(manifest, MANIFEST_FORMAT, "firmware.json");
  const kernel = object(manifest["kernel"], "kernel");
  const root = object(manifest["root"], "root");
  const parsed: FirmwareManifest = {
    format: MANIFEST_FORMAT,
    name: nameField(manifest["name"], "name"),
    title: textField(manifest["title"], "title", MAX_TITLE_CHARACTERS),
    version: textField(manifest["version"], "version", MAX_VERSION_CHARACTERS),
    kernel: {
      name: nameField(kernel["name"], "kernel.name"),
      ...fileIdentity(kernel, "kernel", MAX_KERNEL_BYTES),
    },
    root: {
      file: nameField(root["file"], "root.file"),
      ...fileIdentity(root, "root", MAX_ROOT_BYTES),
    },
    diskBytes: bytesField(manifest["diskBytes"], "diskBytes", MAX_DISK_BYTES),
  };
  if (parsed.root.file === "firmware.json") throw damaged(`"root.file" names firmware.json itself`);
  checkDisk(parsed);
  const earlier = manifest["earlierKernels"];
  const factory = parseFactory(manifest["factory"]);
  return {
    ...parsed,
    ...(earlier !== undefined && { earlierKernels: digestList(earlier, "earlierKernels") }),
    ...(factory && { factory }),
  };
}

/** @returns undefined when there is none that says of which kernel it is, as those of older versions do not */
function parseFactory(value: unknown): FactoryState | undefined {
  if (value === undefined) return undefined;
  const factory = object(value, "factory");
  const pc = object(factory["pc"], "factory.pc");
  if (pc["kernel"] === undefined) return undefined;
  const file = (key: string) => {
    const part = object(factory[key], `factory.${key}`);
    return {
      file: nameField(part["file"], `factory.${key}.file`),
      ...fileIdentity(part, `factory.${key}`, MAX_STATE_BYTES),
    };
  };
  return {
    pc: {
      v86: textField(pc["v86"], "factory.pc.v86", MAX_VERSION_CHARACTERS),
      devices: bytesField(pc["devices"], "factory.pc.devices", Number.MAX_SAFE_INTEGER),
      memoryBytes: bytesField(pc["memoryBytes"], "factory.pc.memoryBytes", 2 ** 32),
      kernel: digestField(pc["kernel"], "factory.pc.kernel"),
    },
    state: file("state"),
    ...(factory["pages"] !== undefined && { pages: file("pages") }),
    chunks: file("chunks"),
  };
}

/**
 * @param text JSON of one object, at most 64 KiB
 * @param file what sentences call it
 * @throws {FirmwareError} `manifest`
 */
export function parseObject(text: string, file: string): Record<string, unknown> {
  if (text.length > MAX_MANIFEST_BYTES)
    throw damaged(`${file} is larger than ${MAX_MANIFEST_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FirmwareError("manifest", `${file} is not JSON`, { cause });
  }
  return object(value, file);
}

/** @throws {FirmwareError} `manifest` without a format number, `newer` when it is above `known` */
export function checkFormat(parsed: Record<string, unknown>, known: number, file: string): void {
  const format = parsed["format"];
  if (typeof format !== "number" || !Number.isInteger(format) || format < 1)
    throw damaged(`"format" in ${file} is not a whole number from 1 on`);
  if (format > known) throw new FirmwareError("newer", file);
}

/** @throws {FirmwareError} `manifest` */
export function nameField(value: unknown, key: string): string {
  if (typeof value !== "string" || !isName(value))
    throw damaged(
      `"${key}" is not a name of at most 64 lower-case letters, digits, dots, lines and underscores`,
    );
  return value;
}

/** @throws {FirmwareError} `manifest` */
export function textField(value: unknown, key: string, maxCharacters: number): string {
  const good = typeof value === "string" && value !== "" && value.length <= maxCharacters;
  if (!good) throw damaged(`"${key}" is not a text of 1 to ${maxCharacters} characters`);
  return value;
}

function fileIdentity(of: Record<string, unknown>, key: string, maxBytes: number): FileIdentity {
  const digest = digestField(of["sha256"], `${key}.sha256`);
  return { bytes: bytesField(of["bytes"], `${key}.bytes`, maxBytes), sha256: digest };
}

function digestField(value: unknown, key: string): string {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value))
    throw damaged(`"${key}" is not a SHA-256 of 64 lower-case hex digits`);
  return value;
}

function digestList(value: unknown, key: string): string[] {
  if (!Array.isArray(value) || value.length > MAX_EARLIER_KERNELS)
    throw damaged(`"${key}" is not a list of at most ${MAX_EARLIER_KERNELS} digests`);
  return value.map((digest: unknown) => digestField(digest, key));
}

function bytesField(value: unknown, key: string, max: number): number {
  const good =
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= max;
  if (!good) throw damaged(`"${key}" is not a whole number from 1 to ${max}`);
  return value;
}

function checkDisk({ root, diskBytes }: FirmwareManifest): void {
  if (diskBytes % OVERLAY_ALIGN !== 0)
    throw damaged(`"diskBytes" is not a multiple of ${OVERLAY_ALIGN}`);
  if (diskBytes <= alignToOverlay(root.bytes))
    throw damaged(`"diskBytes" leaves no room for the overlay behind the root filesystem`);
}

function object(value: unknown, key: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw damaged(`${key} is not an object`);
  return value as Record<string, unknown>;
}

function damaged(what: string): FirmwareError {
  return new FirmwareError("manifest", what);
}
