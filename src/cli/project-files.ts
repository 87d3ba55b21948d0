/** The project's own files as machines want them, whether the site was built or not. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type FirmwareFiles, type MachineFiles, readManifest } from "../host/node/machine-files.js";
import { V86_DIRECTORY } from "../machine/assets.js";
import { LLHTTP_DIRECTORY } from "../network/llhttp.js";
import { factoryFolder, withFactoryState } from "./factory-shelf.js";
import { llhttpWasm } from "./llhttp.js";
import { folderOf } from "./shelf.js";

/** @param states whether routers begin with the factory states that were made, or else boot */
export function projectFiles(
  project: string,
  { states }: { readonly states: boolean },
): MachineFiles {
  return {
    async firmware(name): Promise<FirmwareFiles> {
      const folder = folderOf(project, name);
      const plain = await readManifest(folder, name);
      const manifest = states ? await withFactoryState(project, plain) : plain;
      const { kernel, root, factory } = manifest;
      const state = (file: string) => join(factoryFolder(project, name), file);
      return {
        manifest,
        paths: {
          kernel: join(project, "kernels", kernel.name, "bzImage"),
          root: join(folder, root.file),
          ...(factory && { state: state(factory.state.file), chunks: state(factory.chunks.file) }),
          ...(factory?.pages && { pages: state(factory.pages.file) }),
        },
      };
    },
    async read(path) {
      if (path.startsWith(LLHTTP_DIRECTORY)) return llhttpWasm().buffer;
      const file = path.startsWith(V86_DIRECTORY)
        ? path.replace(V86_DIRECTORY, "node_modules/v86/build")
        : path;
      return new Uint8Array(await readFile(join(project, file))).buffer;
    },
  };
}
