/** The factory states that were made on this machine, `.cache/factory/<firmware>/`; git knows nothing of them. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type FactoryState,
  type FirmwareManifest,
  isSamePc,
  parseManifest,
} from "../firmware/manifest.js";
import { pcWith } from "../machine/pc-identity.js";

/** `factory.json` of a factory state. */
export interface BakedState {
  /** SHA-256 of the root image that it was made of; the kernel is in `factory.pc` */
  readonly root: string;
  readonly factory: FactoryState;
}

export function factoryFolder(project: string, name: string): string {
  return join(project, ".cache", "factory", name);
}

/** @returns the manifest with its factory state, when there is one that fits root, kernel and PC; else as it was */
export async function withFactoryState(
  project: string,
  manifest: FirmwareManifest,
): Promise<FirmwareManifest> {
  try {
    const path = join(factoryFolder(project, manifest.name), "factory.json");
    const baked = JSON.parse(await readFile(path, "utf8")) as BakedState;
    // Through the same checks as in the page: a file that somebody cut is none.
    const whole = parseManifest(JSON.stringify({ ...manifest, factory: baked.factory }));
    const fits =
      baked.root === manifest.root.sha256 &&
      whole.factory !== undefined &&
      isSamePc(whole.factory.pc, pcWith(manifest.kernel.sha256)) &&
      (await areThere(factoryFolder(project, manifest.name), whole.factory));
    return fits ? whole : manifest;
  } catch {
    return manifest;
  }
}

/** The files of a factory state. */
export function factoryFiles({ state, pages, chunks }: FactoryState) {
  return pages ? [state, pages, chunks] : [state, chunks];
}

async function areThere(folder: string, factory: FactoryState): Promise<boolean> {
  for (const { file, bytes } of factoryFiles(factory))
    if ((await stat(join(folder, file))).size !== bytes) return false;
  return true;
}
