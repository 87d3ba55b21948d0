import type { Context } from "./context.js";
import { readShelf } from "./shelf.js";
import { mebibytes } from "./units.js";

/** `list` */
export async function listFirmware({ project, print }: Context): Promise<void> {
  const shelf = await readShelf(project);
  if (shelf.length === 0) print("There is no firmware yet. Add one: npm run firmware -- add FILE");
  for (const manifest of shelf) {
    const { name, title, root, diskBytes } = manifest;
    const digest = root.sha256.slice(0, 12);
    print(`${name}: ${title}`);
    print(`  root ${mebibytes(root.bytes)}, disk ${mebibytes(diskBytes)}, digest ${digest}`);
  }
}
