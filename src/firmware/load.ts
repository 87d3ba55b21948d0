/** Brings the files of a firmware from the site into memory, whole and verified, or not at all. */
import { ImageError } from "../image/image-error.js";
import { readSuperblock } from "../image/squashfs.js";
import { downloadFile, downloadText } from "./download.js";
import { FirmwareError } from "./errors.js";
import { type FirmwareIdentity, identify } from "./identity.js";
import { type FileIdentity, type FirmwareManifest, isName, parseManifest } from "./manifest.js";

/** The files of a firmware. */
export type FirmwarePart = "kernel" | "root" | "state" | "pages" | "chunks";

export interface LoadOptions {
  /** aborts the downloads; the promise then rejects with the signal's reason */
  readonly signal?: AbortSignal;
  /** bytes that are there and bytes there will be, by the manifest; `loaded` falls back when a download is retried */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** A firmware that the site offers: its manifest now, its files as they are needed, each fetched once. */
export class Firmware {
  readonly #parts = new Map<FirmwarePart, ArrayBuffer>();

  private constructor(
    private readonly assets: URL,
    readonly manifest: FirmwareManifest,
    readonly identity: FirmwareIdentity,
  ) {}

  /**
   * Downloads and checks the manifest.
   *
   * @param assets URL of the directory that holds `images/` and `kernels/`, ending in a slash
   * @throws {FirmwareError} there is none of that name, or it cannot be used
   * @throws the signal's reason, when it is aborted
   */
  static async open(assets: URL, name: string, signal?: AbortSignal): Promise<Firmware> {
    signal?.throwIfAborted();
    if (!isName(name)) throw new FirmwareError("not-found", name);
    const manifest = await loadManifest(assets, name, signal);
    // First, as it also finds out whether digests can be checked on this page.
    return new Firmware(assets, manifest, await identify(manifest));
  }

  /**
   * Downloads what of these is not there yet, all at once, and checks sizes, digests, and that the root is a whole
   * squashfs. When one fails the others are given up.
   *
   * @returns one buffer for each part asked for; not to be changed
   * @throws {FirmwareError} for every reason why a part cannot be used
   * @throws the signal's reason, when it is aborted
   */
  async load<Part extends FirmwarePart>(
    parts: readonly Part[],
    { signal, onProgress }: LoadOptions = {},
  ): Promise<Record<Part, ArrayBuffer>> {
    const missing = parts.filter((part) => !this.#parts.has(part));
    const files = missing.map((part) => this.#file(part));
    const total = files.reduce((sum, { expected }) => sum + expected.bytes, 0);
    const loaded = files.map(() => 0);
    const giveUp = new AbortController();
    const either = AbortSignal.any(signal ? [signal, giveUp.signal] : [giveUp.signal]);
    const downloads = files.map(({ url, expected }, at) =>
      downloadFile(url, expected, {
        signal: either,
        onBytes: (bytes) => {
          loaded[at] = bytes;
          onProgress?.(
            loaded.reduce((sum, each) => sum + each, 0),
            total,
          );
        },
      }),
    );
    try {
      for (const [at, buffer] of (await Promise.all(downloads)).entries()) {
        const part = missing[at] ?? "root";
        if (part === "root") checkRoot(buffer);
        this.#parts.set(part, buffer);
      }
    } catch (error) {
      giveUp.abort(error);
      throw error;
    }
    return Object.fromEntries(this.#parts) as Record<Part, ArrayBuffer>;
  }

  #file(part: FirmwarePart): { url: URL; expected: FileIdentity } {
    const { name, kernel, root, factory } = this.manifest;
    if (part === "kernel")
      return { url: new URL(`kernels/${kernel.name}/bzImage`, this.assets), expected: kernel };
    const expected = part === "root" ? root : factory?.[part];
    if (!expected) throw new FirmwareError("missing-file", `${name}/${part}`);
    return { url: new URL(`images/${name}/${expected.file}`, this.assets), expected };
  }
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

/** @throws {FirmwareError} it is no whole squashfs */
export function checkRoot(root: ArrayBuffer): void {
  try {
    readSuperblock(new Uint8Array(root), root.byteLength);
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    throw new FirmwareError("root", cause.message, { cause });
  }
}
