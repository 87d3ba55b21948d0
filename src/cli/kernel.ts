/** The kernels of the project, `kernels/<name>/bzImage`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../firmware/digest.js";
import type { FileIdentity, FirmwareManifest } from "../firmware/manifest.js";
import { CommandError, hasCode } from "./errors.js";

/** The kernel that added firmware gets. */
export const KERNEL = "v86-6.12";

/**
 * @throws {CommandError} the project has no such kernel
 */
export async function identifyKernel(
  project: string,
  name: string,
): Promise<FirmwareManifest["kernel"]> {
  const file = join("kernels", name, "bzImage");
  try {
    return { name, ...(await identifyFile(join(project, file))) };
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    throw new CommandError(
      `The kernel ${file} is missing. Get it by git checkout ${file}, or build it by kernels/${name}/build.sh.`,
    );
  }
}

/** Size and digest of a file that fits into memory. */
export async function identifyFile(path: string): Promise<FileIdentity> {
  const bytes = await readFile(path);
  return { bytes: bytes.length, sha256: await sha256(bytes) };
}
