/** What the harness needs to know of a firmware: its disk, and the files of its ROM that the guest writes from and over. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { installDebianPackages } from "../../scripts/lib/chromium.js";
import { onPath } from "../../scripts/lib/tools.js";
import { overlayOffset } from "../../src/image/squashfs.js";
import { parseManifest } from "../../src/firmware/manifest.js";
import { type Files, ROM_FILES } from "./operations.js";
import { POOL_PATH } from "./writer.js";

export interface TestFirmware {
  readonly name: string;
  /** the squashfs */
  readonly root: Buffer;
  readonly kernelName: string;
  /** size of the disk in bytes */
  readonly diskBytes: number;
  /** first byte of the overlay on the disk */
  readonly overlayStart: number;
  /** what all written content is cut from, see operations.ts */
  readonly pool: Buffer;
  /** the files of {@link ROM_FILES} that this firmware has */
  readonly rom: Files;
}

/**
 * @param images folder with one folder for each firmware
 * @throws {Error} there is no such firmware
 */
export function readFirmware(images: string, name: string): TestFirmware {
  if (!onPath("unsquashfs")) installDebianPackages(["squashfs-tools"]);
  if (!onPath("debugfs")) installDebianPackages(["e2fsprogs"]);
  const manifest = parseManifest(readFileSync(`${images}/${name}/firmware.json`, "utf8"));
  const rootPath = `${images}/${name}/${manifest.root.file}`;
  const root = readFileSync(rootPath);
  const content = (path: string) =>
    execFileSync("unsquashfs", ["-cat", rootPath, path.slice(1)], {
      maxBuffer: 64 * 1024 * 1024,
      stdio: ["ignore", "pipe", "ignore"],
    });
  return {
    name,
    root,
    kernelName: manifest.kernel.name,
    diskBytes: manifest.diskBytes,
    overlayStart: overlayOffset(root),
    pool: content(POOL_PATH),
    rom: new Map(ROM_FILES.map((path) => [path, content(path)])),
  };
}

/**
 * The files as the router shows them: what the upper layer has, and the ROM's where nothing covers it.
 *
 * @param upper files and whiteouts of the upper layer
 */
export function merged(
  rom: Files,
  upper: { readonly files: Files; readonly whiteouts: ReadonlySet<string> },
): Files {
  const files = new Map(rom);
  for (const path of upper.whiteouts) files.delete(path);
  for (const [path, content] of upper.files) files.set(path, content);
  return files;
}
