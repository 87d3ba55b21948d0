/** A project in a temporary folder, and real images to add to it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { run } from "../../src/cli/run.js";

/** Made when the file is loaded, removed when the process ends. */
const workshop = mkdtempSync(join(tmpdir(), "playground-cli-"));
process.on("exit", () => rmSync(workshop, { recursive: true, force: true }));

/** A folder that is removed when the process ends. */
export function makeFolder(): string {
  return mkdtempSync(join(workshop, "folder-"));
}

export interface Project {
  readonly folder: string;
  /** everything below images/, "." first names included */
  images(): string[];
  /** runs a command line */
  firmware(...args: string[]): Promise<{ exitCode: number; printed: string; errors: string[] }>;
  /** makes a file to add; returns its path */
  file(name: string, content: Uint8Array | string): string;
}

/** A new project with a kernel and no firmware. */
export function makeProject(context: TestContext, signal = new AbortController().signal): Project {
  const folder = mkdtempSync(join(workshop, "project-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "kernels/v86-6.12"), { recursive: true });
  writeFileSync(join(folder, "kernels/v86-6.12/bzImage"), "stands for a kernel");
  return {
    folder,
    images: () => listing(join(folder, "images")),
    async firmware(...args) {
      const printed: string[] = [];
      const errors: string[] = [];
      const exitCode = await run(args, {
        project: folder,
        workingDirectory: folder,
        print: (line) => printed.push(line),
        printError: (line) => errors.push(line),
        signal,
      });
      return { exitCode, printed: printed.join("\n"), errors };
    },
    file(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
  };
}

function listing(folder: string): string[] {
  try {
    return (readdirSync(folder, { recursive: true }) as string[]).sort();
  } catch {
    return [];
  }
}

/** Folder that looks like a router's root. */
function routerTree(): string {
  const tree = mkdtempSync(join(workshop, "root-"));
  for (const folder of ["etc", "sbin"]) mkdirSync(join(tree, folder));
  writeFileSync(join(tree, "etc/preinit"), "#!/bin/sh\n");
  writeFileSync(join(tree, "sbin/init"), "init");
  writeFileSync(
    join(tree, "etc/openwrt_release"),
    "DISTRIB_RELEASE='99.1'\nDISTRIB_ARCH='i386_pentium4'\nDISTRIB_DESCRIPTION='OpenWrt 99.1 r1-test'\n",
  );
  return tree;
}

const tree = routerTree();

/** A squashfs of a router's root, as mksquashfs makes it. */
export function routerSquashfs(compression = "xz", folder = tree): Buffer {
  const path = join(mkdtempSync(join(workshop, "squashfs-")), "root.squashfs");
  execFileSync("mksquashfs", [
    ...[folder, path, "-comp", compression, "-quiet", "-no-progress", "-all-root"],
    ...["-all-time", "0", "-mkfs-time", "0"],
  ]);
  return readFileSync(path);
}

/** A tarball of a router's root without these files. */
export function routerTarball(...without: string[]): Buffer {
  const excluded = without.map((path) => `--exclude=./${path}`);
  return execFileSync("tar", ["-C", tree, "-c", "--mtime=@1000000000", ...excluded, "."]);
}

/** A tree like a router's with another content of etc/openwrt_release. */
export function routerTreeFor(release: string): string {
  const other = routerTree();
  writeFileSync(join(other, "etc/openwrt_release"), release);
  return other;
}
