/** Brings a firmware from the site into memory, whole and verified, or not at all. */
import { ImageError } from "../disk/image-error.js";
import { readSuperblock } from "../disk/squashfs.js";
import { downloadFile, downloadText } from "./download.js";
import { FirmwareError } from "./errors.js";
import { type FirmwareManifest, firmwareDigest, isName, parseManifest } from "./manifest.js";

export interface Firmware {
  readonly manifest: FirmwareManifest;
  /** identity of kernel and root together, SHA-256 in hex; see {@link firmwareDigest} */
  readonly digest: string;
  /** a bzImage */
  readonly kernel: ArrayBuffer;
  /** a squashfs */
  readonly root: ArrayBuffer;
}

export interface LoadOptions {
  /** aborts the downloads; the promise then rejects with the signal's reason */
  readonly signal?: AbortSignal;
  /** bytes that are there and bytes there will be, by the manifest; `loaded` falls back when a download is retried */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/**
 * Downloads `images/<name>/firmware.json`, the kernel and the root filesystem it names, and checks both files' sizes
 * and digests and that the root is a whole squashfs.
 *
 * @param assets URL of the directory that holds `images/` and `kernels/`, ending in a slash
 * @param name name of the firmware
 * @throws {FirmwareError} for every reason why the firmware cannot be used
 * @throws the signal's reason, when it is aborted
 */
export async function loadFirmware(
  assets: URL,
  name: string,
  options: LoadOptions = {},
): Promise<Firmware> {
  const { signal } = options;
  signal?.throwIfAborted();
  if (!isName(name)) throw new FirmwareError("not-found", name);
  const manifest = await loadManifest(assets, name, signal);
  // First, as it also finds out whether digests can be checked on this page.
  const digest = await firmwareDigest(manifest);
  const [kernel, root] = await downloadParts(assets, manifest, options);
  checkRoot(root);
  return { manifest, digest, kernel, root };
}

/**
 * Downloads and checks only the manifest.
 *
 * @throws {FirmwareError} there is none, or it cannot be used
 */
export async function loadManifest(
  assets: URL,
  name: string,
  signal?: AbortSignal,
): Promise<FirmwareManifest> {
  const text = await downloadText(new URL(`images/${name}/firmware.json`, assets), signal);
  if (text === undefined) throw new FirmwareError("not-found", name);
  const manifest = parseManifest(text);
  if (manifest.name !== name)
    throw new FirmwareError(
      "manifest",
      `firmware.json of "${name}" calls itself "${manifest.name}"`,
    );
  return manifest;
}

/** Both at once. When one fails the other is given up. */
async function downloadParts(
  assets: URL,
  { name, kernel, root }: FirmwareManifest,
  { signal, onProgress }: LoadOptions,
): Promise<[kernel: ArrayBuffer, root: ArrayBuffer]> {
  const total = kernel.bytes + root.bytes;
  const loaded = { kernel: 0, root: 0 };
  const progress = (part: keyof typeof loaded) => (bytes: number) => {
    loaded[part] = bytes;
    onProgress?.(loaded.kernel + loaded.root, total);
  };
  const giveUp = new AbortController();
  const both = AbortSignal.any(signal ? [signal, giveUp.signal] : [giveUp.signal]);
  try {
    return await Promise.all([
      downloadFile(new URL(`kernels/${kernel.name}/bzImage`, assets), kernel, {
        signal: both,
        onBytes: progress("kernel"),
      }),
      downloadFile(new URL(`images/${name}/${root.file}`, assets), root, {
        signal: both,
        onBytes: progress("root"),
      }),
    ]);
  } catch (error) {
    giveUp.abort(error);
    throw error;
  }
}

function checkRoot(root: ArrayBuffer): void {
  try {
    readSuperblock(new Uint8Array(root), root.byteLength);
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    throw new FirmwareError("root", cause.message, { cause });
  }
}
