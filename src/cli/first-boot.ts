/**
 * A firmware's first boot in Node, with the machine's own code, up to the moment when nothing is left to be done: every
 * service started, web pages computed once, memory tidy.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FirmwareManifest } from "../firmware/manifest.js";
import type { Chunks } from "../disk/chunk-store.js";
import { PAGE_BYTES, type SharedBlock } from "../snapshot/shared-pages.js";
import type { Context } from "./context.js";
import { CommandError } from "./errors.js";
import { bootInNode, type NodeBoot } from "./node-boot.js";
import { sharedPageFinder } from "./find-shared-pages.js";
import { folderOf } from "./shelf.js";
import { warmWeb } from "./warm-web.js";

const BOOT_MS = 300_000;
/** How long the services may take after the router says that it is up. */
const SETTLE_MS = 30_000;
/**
 * Drops what can be read again: the kernel clears what it frees (command-line.ts), and zeros cost nothing in a state.
 * What the shell and the first commands need is read again then: it is little, and they would take seconds without.
 */
const TIDY = "sync; echo 3 >/proc/sys/vm/drop_caches";
const REREAD = `uci show >/dev/null; ls -l / /etc/config >/dev/null; cat /etc/banner /etc/profile >/dev/null
ip addr >/dev/null; ps >/dev/null; df >/dev/null; free >/dev/null; logread 2>/dev/null | tail -1 >/dev/null; true`;

/** What is left of a router's first boot. */
export interface FirstBoot {
  /** v86's state, without the pages below */
  readonly state: ArrayBuffer;
  /** pages of its memory that the root image holds */
  readonly pages: readonly SharedBlock[];
  /** what it wrote to its disk */
  readonly chunks: Chunks;
}

/** @throws {CommandError} it does not come up */
export async function finishFirstBoot(
  manifest: FirmwareManifest,
  { project, print, signal }: Context,
): Promise<FirstBoot> {
  const started = await bootInNode(manifest, { project, print, signal });
  try {
    return await finish(started, manifest, { project, print, signal });
  } finally {
    started.boot.destroy();
  }
}

async function finish(
  { boot, until }: NodeBoot,
  manifest: FirmwareManifest,
  { project, print, signal }: Pick<Context, "project" | "print" | "signal">,
): Promise<FirstBoot> {
  if (!(await until("shell", BOOT_MS)))
    throw new CommandError(`${manifest.name} shows no shell within ${BOOT_MS / 1000} s.`);
  if (!(await until("ready", BOOT_MS)))
    print("  it never says that it has finished booting; taken as it is");
  // Its DHCP server then knows the PC that every visitor's page will be, and need not look for a free address again.
  await until("lease", SETTLE_MS);
  print("  asking for the web pages once");
  await warmWeb(boot, print, signal);
  print("  tidying its memory");
  for (const command of [TIDY, REREAD]) await boot.exec(command);
  await warmWeb(boot, print, signal);
  print("  saving its memory");
  await boot.exec("sync");
  const root = await readFile(join(folderOf(project, manifest.name), manifest.root.file));
  const find = sharedPageFinder(root);
  let pages: SharedBlock[] = [];
  const whole = await boot.whole((memory) => {
    pages = find(memory);
    return pages.flatMap((block) => block.pages.map(({ guest }) => guest * PAGE_BYTES));
  });
  return { ...whole, pages };
}
