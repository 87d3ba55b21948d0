/** `bake NAME`: boots a firmware once, and keeps memory and disk of the router that came out as its factory state. */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_BYTES } from "../disk/chunk-store.js";
import { writeArchive } from "../overlay/archive.js";
import type { FirmwareManifest } from "../firmware/manifest.js";
import { encodeSharedPages } from "../snapshot/shared-pages.js";
import { pcWith } from "../machine/pc-identity.js";
import type { Context } from "./context.js";
import { CommandError, UsageError } from "./errors.js";
import { type BakedState, factoryFolder } from "./factory-shelf.js";
import { finishFirstBoot } from "./first-boot.js";
import { identifyFile } from "./kernel.js";
import { publishIfBuilt } from "./publish.js";
import { readShelf } from "./shelf.js";
import { runTool } from "./tool.js";
import { mebibytes } from "./units.js";

/** As small as zstd makes it without a window that v86's decoder would have no room for. */
const ZSTD_LEVEL = "-19";

/**
 * @throws {UsageError} there is no such firmware
 * @throws {CommandError} it does not come up
 */
export async function bakeFirmware(name: string, context: Context): Promise<void> {
  const { project, print } = context;
  const manifest = (await readShelf(project)).find((each) => each.name === name);
  if (!manifest)
    throw new UsageError(`There is no firmware "${name}". See npm run firmware -- list.`);
  await bake(manifest, context);
  await publishIfBuilt(project, print);
}

/** Makes the factory state, whether there is one or not. */
export async function bake(manifest: FirmwareManifest, context: Context): Promise<void> {
  const { project, print, signal } = context;
  const { name } = manifest;
  print(`Making the factory state of ${name}: its first boot, once. This takes a minute or two.`);
  const { state, pages, chunks } = await finishFirstBoot(manifest, context);
  const cache = join(project, ".cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "bake.tmp-"));
  try {
    const raw = join(folder, "state");
    await writeFile(raw, new Uint8Array(state));
    print(`  compressing ${mebibytes(state.byteLength)} of memory`);
    const { exitCode, complaint } = await runTool(
      "zstd",
      [ZSTD_LEVEL, "-q", "-T2", "--rm", raw, "-o", `${raw}.zst`],
      { signal, debianPackage: "zstd" },
    );
    if (exitCode !== 0) throw new CommandError(`zstd failed: ${complaint}`);
    const { diskBytes } = manifest;
    const root = manifest.root.sha256;
    const archive = await writeArchive(
      { overlay: "factory", root, diskBytes, chunkBytes: CHUNK_BYTES },
      chunks,
    );
    await writeFile(join(folder, "pages"), encodeSharedPages(pages));
    await writeFile(join(folder, "chunks"), new Uint8Array(await archive.arrayBuffer()));
    const baked: BakedState = {
      root,
      factory: {
        pc: pcWith(manifest.kernel.sha256),
        state: { file: "factory-state.zst", ...(await identifyFile(`${raw}.zst`)) },
        pages: { file: "factory-pages.bin", ...(await identifyFile(join(folder, "pages"))) },
        chunks: { file: "factory-chunks.bin", ...(await identifyFile(join(folder, "chunks"))) },
      },
    };
    await rename(`${raw}.zst`, join(folder, baked.factory.state.file));
    await rename(join(folder, "pages"), join(folder, "factory-pages.bin"));
    await rename(join(folder, "chunks"), join(folder, baked.factory.chunks.file));
    await writeFile(join(folder, "factory.json"), `${JSON.stringify(baked, null, 2)}\n`);
    const target = factoryFolder(project, name);
    await mkdir(join(target, ".."), { recursive: true });
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
    print(
      `  ${name}: ${mebibytes(baked.factory.state.bytes)} of memory, ${chunks.size} chunks in ${mebibytes(baked.factory.chunks.bytes)}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
