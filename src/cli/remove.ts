import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isName } from "../firmware/manifest.js";
import type { Context } from "./context.js";
import { CommandError } from "./errors.js";
import { publishIfBuilt } from "./publish.js";
import { DEMO, exists, folderOf, temporaryFolder } from "./shelf.js";

/**
 * `remove NAME`
 *
 * @throws {CommandError} there is no such firmware, or it is the demo
 */
export async function removeFirmware(name: string, { project, print }: Context): Promise<void> {
  if (name === DEMO)
    throw new CommandError("The demo firmware belongs to the project and is not removed.");
  if (!isName(name) || !(await exists(folderOf(project, name))))
    throw new CommandError(`There is no firmware named "${name}". See npm run firmware -- list.`);
  const grave = await temporaryFolder(project);
  try {
    await rename(folderOf(project, name), join(grave, name));
  } finally {
    await rm(grave, { recursive: true, force: true });
  }
  print(`${name}: removed. What browsers stored of its routers stays there.`);
  await publishIfBuilt(project, print);
}
