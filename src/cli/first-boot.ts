/**
 * A firmware's first boot in Node, with the machine's own code, up to the moment when nothing is left to be done: every
 * service started, web pages computed once, memory tidy.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Chunks } from "../disk/chunk-store.js";
import type { FirmwareManifest } from "../firmware/manifest.js";
import { createMachine } from "../host/node.js";
import { MachineError } from "../machine/errors.js";
import { MachineProgressEvent, type ProgressStage } from "../machine/events.js";
import type { Machine } from "../machine/machine.js";
import { PAGE_BYTES, type SharedBlock } from "../snapshot/shared-pages.js";
import type { Context } from "./context.js";
import { CommandError } from "./errors.js";
import { sharedPageFinder } from "./find-shared-pages.js";
import { projectFiles } from "./project-files.js";
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
  context: Pick<Context, "project" | "print" | "signal">,
): Promise<FirstBoot> {
  const { project, signal } = context;
  signal.throwIfAborted();
  const machine = await createMachine({
    firmware: manifest.name,
    overlay: null,
    // Without a factory state, for one is to be made.
    assets: projectFiles(project, { states: false }),
  });
  const destroy = () => void machine.destroy();
  signal.addEventListener("abort", destroy, { once: true });
  try {
    return await finish(machine, manifest, context);
  } finally {
    signal.removeEventListener("abort", destroy);
    await machine.destroy();
  }
}

async function finish(
  machine: Machine,
  manifest: FirmwareManifest,
  { project, print, signal }: Pick<Context, "project" | "print" | "signal">,
): Promise<FirstBoot> {
  const stages = new Set<ProgressStage>();
  machine.addEventListener("progress", (event) => {
    if (!(event instanceof MachineProgressEvent) || stages.has(event.stage)) return;
    stages.add(event.stage);
    if (event.stage !== "fetch") print(`  ${event.stage}`);
  });
  const until = (came: () => boolean, milliseconds: number) =>
    cameInTime(machine, came, milliseconds, signal);

  machine.start().catch(() => undefined);
  if (!(await until(() => machine.state === "running", BOOT_MS)))
    throw new CommandError(`${manifest.name} shows no shell within ${BOOT_MS / 1000} s.`);
  if (!(await until(() => stages.has("ready"), BOOT_MS)))
    print("  it never says that it has finished booting; taken as it is");
  // Its DHCP server then knows the PC that every visitor's page will be, and need not look for a free address again.
  await until(() => machine.network.phase === "leased", SETTLE_MS);
  print("  asking for the web pages once");
  await warmWeb(machine, print, signal);
  print("  tidying its memory");
  for (const command of [TIDY, REREAD]) await machine.exec(command, { signal });
  await warmWeb(machine, print, signal);
  print("  saving its memory");
  await machine.exec("sync", { signal });
  const root = await readFile(join(folderOf(project, manifest.name), manifest.root.file));
  const find = sharedPageFinder(root);
  let pages: SharedBlock[] = [];
  const capture = await machine.capture((memory) => {
    pages = find(memory);
    return pages.flatMap((block) => block.pages.map(({ guest }) => guest * PAGE_BYTES));
  });
  return { ...capture, pages };
}

/**
 * Waits for something that a machine tells of by an event.
 *
 * @throws {CommandError} the machine went off
 * @throws the signal's reason
 */
async function cameInTime(
  machine: Machine,
  came: () => boolean,
  milliseconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const late = AbortSignal.timeout(milliseconds);
  while (!came()) {
    signal.throwIfAborted();
    if (machine.state === "off" || machine.state === "failed")
      throw new CommandError(`The router did not come up: ${reasonOf(machine.error)}`);
    if (late.aborted) return false;
    await anyEvent(machine, AbortSignal.any([signal, late]));
  }
  return true;
}

/** Resolves at the machine's next event, or when the signal aborts. */
async function anyEvent(machine: Machine, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const events = ["statechange", "progress", "networkchange"].map((name) =>
    once(machine, name, { signal: either }),
  );
  await Promise.race(events).catch(() => undefined);
  over.abort();
}

function reasonOf(error: Error | undefined): string {
  if (!error) return "it went off by itself.";
  const lines = error instanceof MachineError ? error.details : [];
  return [error.message, ...lines].join("\n  ");
}
