/** The files that machines are made of: where they lie, and a firmware of them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../firmware/digest.js";
import { identify } from "../../firmware/identity.js";
import { FirmwareError } from "../../firmware/errors.js";
import { checkRoot, type FirmwarePart, type LoadOptions } from "../../firmware/load.js";
import {
  type FileIdentity,
  type FirmwareManifest,
  isName,
  parseManifest,
} from "../../firmware/manifest.js";
import type { FirmwareSource } from "../../firmware/source.js";
import { MachineError } from "../../machine/errors.js";
import { codeOf } from "./files.js";

type Part<T> = Readonly<Partial<Record<FirmwarePart, T>>>;

/** Where they lie. */
export interface MachineFiles {
  /** @throws {FirmwareError} there is none of that name, or its manifest cannot be used */
  firmware(name: string): Promise<FirmwareFiles>;
  /**
   * @param path as below the folder that the build makes, for example "kernels/seabios/bios.bin"
   * @throws {MachineError} it is missing
   */
  read(path: string): Promise<ArrayBuffer>;
}

/** A firmware in files; can be cloned. */
export interface FirmwareFiles {
  readonly manifest: FirmwareManifest;
  /** paths of the parts that there are */
  readonly paths: Part<string>;
}

/** @param folder laid out as the build makes `playground/`: `kernels/`, `images/`, and WebAssembly */
export function builtFiles(folder: string): MachineFiles {
  return {
    async firmware(name) {
      const manifest = await readManifest(join(folder, "images", name), name);
      const image = (file: string) => join(folder, "images", name, file);
      const { kernel, root, factory } = manifest;
      const paths: Partial<Record<FirmwarePart, string>> = {
        kernel: join(folder, "kernels", kernel.name, "bzImage"),
        root: image(root.file),
      };
      for (const part of ["state", "pages", "chunks"] as const) {
        const file = factory?.[part]?.file;
        if (file !== undefined) paths[part] = image(file);
      }
      return { manifest, paths };
    },
    async read(path) {
      const file = join(folder, path);
      try {
        return await bytesOf(file);
      } catch (cause) {
        throw new MachineError(
          `The file ${file} cannot be read. Make it with "npm run build" in the folder of openwrt-playground, or say in "assets" where the built files are.`,
          [],
          { cause },
        );
      }
    },
  };
}

/**
 * @param folder with firmware.json
 * @throws {FirmwareError} there is none, or it cannot be used
 */
export async function readManifest(folder: string, name: string): Promise<FirmwareManifest> {
  if (!isName(name)) throw new FirmwareError("not-found", name);
  let text: string;
  try {
    text = await readFile(join(folder, "firmware.json"), "utf8");
  } catch (cause) {
    throw new FirmwareError("not-found", name, { cause });
  }
  const manifest = parseManifest(text);
  if (manifest.name === name) return manifest;
  throw new FirmwareError("manifest", `firmware.json of "${name}" calls itself "${manifest.name}"`);
}

/** A firmware of these files. Each is read and verified when it is needed, once. */
export async function firmwareOf({ manifest, paths }: FirmwareFiles): Promise<FirmwareSource> {
  const { kernel, root, factory } = manifest;
  const expected: Part<FileIdentity | undefined> = { kernel, root, ...factory };
  const loaded = new Map<FirmwarePart, ArrayBuffer>();

  async function load(part: FirmwarePart): Promise<ArrayBuffer> {
    const path = paths[part];
    const identity = expected[part];
    if (path === undefined || !identity)
      throw new FirmwareError("missing-file", `${manifest.name}/${part}`);
    const bytes = loaded.get(part) ?? (await verified(path, identity));
    if (part === "root") checkRoot(bytes);
    loaded.set(part, bytes);
    return bytes;
  }

  return {
    manifest,
    identity: await identify(manifest),
    async load<Wanted extends FirmwarePart>(
      parts: readonly Wanted[],
      { signal, onProgress }: LoadOptions = {},
    ) {
      const total = parts.reduce((bytes, part) => bytes + (expected[part]?.bytes ?? 0), 0);
      let done = 0;
      const all = {} as Record<Wanted, ArrayBuffer>;
      for (const part of parts) {
        signal?.throwIfAborted();
        all[part] = await load(part);
        done += all[part].byteLength;
        onProgress?.(done, total);
      }
      return all;
    },
  };
}

async function verified(path: string, { bytes, sha256: digest }: FileIdentity) {
  let content: ArrayBuffer;
  try {
    content = await bytesOf(path);
  } catch (cause) {
    throw new FirmwareError(codeOf(cause) === "ENOENT" ? "missing-file" : "network", path, {
      cause,
    });
  }
  if (content.byteLength < bytes) throw new FirmwareError("short", path);
  if (content.byteLength > bytes) throw new FirmwareError("long", path);
  if ((await sha256(content)) !== digest) throw new FirmwareError("damaged", path);
  return content;
}

async function bytesOf(path: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(path)).buffer;
}
