/** The project's firmware: the folders below `images/`. Only a complete firmware is ever put there. */
import { mkdir, mkdtemp, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FirmwareManifest, isName, parseManifest } from "../firmware/manifest.js";
import { CommandError, hasCode, UsageError } from "./errors.js";

/** The firmware that comes with the project; built by its own recipe. */
export const DEMO = "demo";

/**
 * @returns the firmware below `images/`, the demo first, then by name; folders without firmware.json are left out
 * @throws {CommandError} a firmware.json cannot be used
 */
export async function readShelf(project: string): Promise<FirmwareManifest[]> {
  const names = (await foldersOf(imagesOf(project))).filter(isName);
  names.sort((a, b) => Number(b === DEMO) - Number(a === DEMO) || (a < b ? -1 : 1));
  const manifests = await Promise.all(names.map((name) => readManifest(project, name)));
  return manifests.filter((manifest) => manifest !== undefined);
}

/**
 * @throws {UsageError} not a possible name
 * @throws {CommandError} the demo's, or taken and not to be replaced
 */
export async function checkNewName(project: string, name: string, replace: boolean): Promise<void> {
  if (!isName(name))
    throw new UsageError(
      `"${name}" cannot be a firmware's name: use at most 64 lower-case letters, digits, dots, lines and underscores, beginning with a letter or digit.`,
    );
  if (name === DEMO)
    throw new CommandError("The name demo belongs to the project's own firmware. Give --name.");
  if (!replace && (await exists(folderOf(project, name))))
    throw new CommandError(
      `There is a firmware named "${name}" already. Give another --name, or --force to replace it.`,
    );
}

/** A new empty folder on the same filesystem as the firmware. Its name is none that a firmware can have. */
export async function temporaryFolder(project: string): Promise<string> {
  const images = imagesOf(project);
  await mkdir(images, { recursive: true });
  return mkdtemp(join(images, ".firmware.tmp-"));
}

/**
 * Puts a complete firmware folder under its name, by renaming. Whoever looks sees the old one or the new one.
 *
 * @param made folder with the new firmware, in {@link temporaryFolder}
 * @throws {CommandError} somebody took the name meanwhile
 */
export async function shelve(
  project: string,
  name: string,
  made: string,
  replace: boolean,
): Promise<void> {
  const folder = folderOf(project, name);
  const old = `${made}-replaced`;
  const replaces = replace && (await exists(folder));
  if (replaces) await rename(folder, old);
  try {
    await rename(made, folder);
  } catch (error) {
    if (replaces) await rename(old, folder);
    if (hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST"))
      throw new CommandError(`A firmware named "${name}" was added meanwhile. Try again.`);
    throw error;
  }
}

/** Writes a manifest as firmware.json into a folder, in one step. */
export async function writeManifest(folder: string, manifest: FirmwareManifest): Promise<void> {
  const file = join(folder, "firmware.json");
  const text = JSON.stringify(manifest, null, 2) + "\n";
  // What is written must be what a page accepts.
  parseManifest(text);
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}

export function imagesOf(project: string): string {
  return join(project, "images");
}

/** Names of the folders in a folder; none when it does not exist. */
export async function foldersOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** Folder of a firmware with this name. */
export function folderOf(project: string, name: string): string {
  return join(imagesOf(project), name);
}

async function readManifest(project: string, name: string): Promise<FirmwareManifest | undefined> {
  const file = join(folderOf(project, name), "firmware.json");
  if (!(await exists(file))) return undefined;
  const remedy = name === DEMO ? "Build it again" : `npm run firmware -- remove ${name}`;
  try {
    const manifest = parseManifest(await readFile(file, "utf8"));
    if (manifest.name === name) return manifest;
    throw new CommandError(`it calls itself "${manifest.name}"`);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new CommandError(`images/${name}/firmware.json cannot be used: ${said} (${remedy}.)`);
  }
}
