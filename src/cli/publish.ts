/**
 * Brings kernels and firmware into a built site, `<site>/playground/`. A page that is being served meanwhile never sees
 * half a file: each one is written beside its place and renamed.
 */
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatCatalogue } from "../firmware/catalogue.js";
import { type FirmwareManifest, isName } from "../firmware/manifest.js";
import { CommandError } from "./errors.js";
import { factoryFiles, factoryFolder, withFactoryState } from "./factory-shelf.js";
import { identifyKernel } from "./kernel.js";
import { DEMO, exists, folderOf, foldersOf, readShelf, writeManifest } from "./shelf.js";

/**
 * Copies what the page downloads: `kernels/<name>/{bzImage,*.bin}`, `images/<name>/{firmware.json,root}`; removes images
 * whose firmware is gone; writes `images/catalogue.json`. Files of the same size and time are not copied again.
 *
 * @param projectRoot folder with `kernels/` and `images/`
 * @param playgroundDir folder to fill; made when it does not exist
 * @param print told of firmware that got a new kernel
 * @throws {CommandError} a firmware of the project is damaged or its kernel is missing; nothing was published
 */
export async function publishFirmware(
  projectRoot: string,
  playgroundDir: string,
  print: (line: string) => void = () => undefined,
): Promise<void> {
  const shelf: FirmwareManifest[] = [];
  for (const manifest of await readShelf(projectRoot)) {
    await checkRoot(projectRoot, manifest);
    shelf.push(await withPresentKernel(projectRoot, manifest, print));
  }

  const kernels = join(projectRoot, "kernels");
  for (const name of await foldersOf(kernels))
    for (const file of await readdir(join(kernels, name)))
      if (file === "bzImage" || file.endsWith(".bin"))
        await copy(join(kernels, name, file), join(playgroundDir, "kernels", name, file));

  const published = join(playgroundDir, "images");
  for (const firmware of shelf)
    await publishOne(projectRoot, firmware, join(published, firmware.name));
  await removeGone(published, shelf);

  await mkdir(published, { recursive: true });
  await replaceFile(join(published, "catalogue.json"), (path) =>
    writeFile(path, formatCatalogue(shelf)),
  );
}

/** The manifest last: it is what says that the other files are there. */
async function publishOne(project: string, firmware: FirmwareManifest, to: string): Promise<void> {
  const { name, root } = firmware;
  await copy(join(folderOf(project, name), root.file), join(to, root.file));
  const { factory } = await withFactoryState(project, firmware);
  if (!factory)
    return copy(join(folderOf(project, name), "firmware.json"), join(to, "firmware.json"));
  for (const { file } of factoryFiles(factory))
    await copy(join(factoryFolder(project, name), file), join(to, file));
  await replaceFile(join(to, "firmware.json"), (path) =>
    writeFile(path, `${JSON.stringify({ ...firmware, factory }, null, 2)}\n`),
  );
}

/** Publishes into `dist/playground` when the site was built, so that `npm start` serves it at the next page load. */
export async function publishIfBuilt(
  project: string,
  print: (line: string) => void,
): Promise<void> {
  const playground = join(project, "dist", "playground");
  if (await exists(playground)) await publishFirmware(project, playground, print);
}

/** A page would find this out as well; here somebody can do something about it. */
async function checkRoot(project: string, { name, root }: FirmwareManifest): Promise<void> {
  const path = join("images", name, root.file);
  const file = join(project, path);
  const bytes = (await exists(file)) ? (await stat(file)).size : 0;
  if (bytes !== root.bytes)
    throw new CommandError(
      `The firmware "${name}" cannot be published: ${path} has ${bytes} bytes instead of ${root.bytes}. Make it again.`,
    );
}

/**
 * All firmware that uses a kernel gets the one that was built anew. The demo's manifest is under version control and
 * changed by its build only; the others are changed here. The first kernel of all is remembered, by which routers are
 * found that were stored while the kernel was a part of their names; that was over before there was a second.
 */
async function withPresentKernel(
  project: string,
  manifest: FirmwareManifest,
  print: (line: string) => void,
): Promise<FirmwareManifest> {
  const { name } = manifest;
  const kernel = await identifyKernel(project, manifest.kernel.name);
  if (kernel.sha256 === manifest.kernel.sha256 && kernel.bytes === manifest.kernel.bytes)
    return manifest;
  if (name === DEMO)
    throw new CommandError(
      `The demo cannot be published: kernels/${kernel.name}/bzImage is not the one in images/demo/firmware.json. Run images/demo/build.sh --manifest.`,
    );
  const { earlierKernels = [manifest.kernel.sha256] } = manifest;
  const renewed = { ...manifest, kernel, earlierKernels };
  await writeManifest(folderOf(project, name), renewed);
  print(
    `${name}: has the newly built kernel ${kernel.name} now. Its routers keep what they changed; bake it again to start in a second.`,
  );
  return renewed;
}

async function copy(from: string, to: string): Promise<void> {
  const source = await stat(from);
  if (await exists(to)) {
    const target = await stat(to);
    // Setting a time rounds it.
    const sameTime = Math.abs(target.mtimeMs - source.mtimeMs) < 2;
    if (sameTime && target.size === source.size) return;
  }
  await mkdir(dirname(to), { recursive: true });
  await replaceFile(to, async (path) => {
    await copyFile(from, path);
    await utimes(path, source.atime, source.mtime);
  });
}

async function replaceFile(file: string, write: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(dirname(file), ".publish.tmp-"));
  try {
    const path = join(folder, "file");
    await write(path);
    // A compressed copy of the one before would be served in its place.
    for (const copy of [".br", ".gz"]) await rm(file + copy, { force: true });
    await rename(path, file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function removeGone(images: string, shelf: FirmwareManifest[]): Promise<void> {
  for (const name of await foldersOf(images)) {
    if (!isName(name) || shelf.some((manifest) => manifest.name === name)) continue;
    await rm(join(images, name), { recursive: true, force: true });
  }
}
