/**
 * One live machine for each overlay folder, across programs and within one.
 *
 * Who wants a folder puts a lock file of its own into it and then looks for others'. Of two who do that at once at least
 * one sees the other, and takes its file away again; so never two have it. A lock file's name says which process made it,
 * for a process that was killed leaves its file behind. No name is ever used twice, so that a dead one's file can be
 * removed by anybody at any time.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Clock, REAL_CLOCK } from "../../common/clock.js";
import type { Holder } from "../../overlay/tabs.js";
import { codeOf, NODE_FILES } from "./files.js";

/** How often it is tried again, in milliseconds, and how much longer at random, so that two do not disturb each other for ever. */
const RETRY_MS = 25;
const RETRY_MORE_MS = 50;

/** `lock-` computer, start of the computer, space of its process numbers, number and start of the process, and random. */
const NAME = /^lock-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)-(\d+)-[0-9a-f]{16}$/;

export interface FolderLease {
  release(): Promise<void>;
}

/** Somebody else has the folder. */
export interface FolderHolder {
  readonly holder: Holder;
  /** which file says so */
  readonly file: string;
}

/** What can be done about it. */
export function inUse({ holder, file }: FolderHolder): string {
  return `${holder.title} has it, as ${file} says; remove that file if nothing runs there any more.`;
}

export interface LeaseWait {
  /** for how many milliseconds it is tried */
  readonly wait: number;
  /** gives up */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * @param folder made when it does not exist
 * @returns the lease, or who has the folder still
 * @throws {Error} the operating system's, when the folder cannot be written; or the signal's reason
 */
export async function leaseFolder(
  folder: string,
  { wait, signal, clock = REAL_CLOCK }: LeaseWait,
): Promise<FolderLease | FolderHolder> {
  const giveUp = clock.now() + wait;
  for (;;) {
    const attempt = await tryToLease(folder);
    if ("release" in attempt && signal?.aborted) await attempt.release();
    signal?.throwIfAborted();
    if ("release" in attempt || clock.now() >= giveUp) return attempt;
    const pause = RETRY_MS + Math.random() * RETRY_MORE_MS;
    await new Promise<void>((resolve) => void clock.after(pause, resolve));
  }
}

async function tryToLease(folder: string): Promise<FolderLease | FolderHolder> {
  await NODE_FILES.makeFolder(folder);
  const before = await findOther(folder);
  if (before) return before;
  const mine = `lock-${processName()}-${randomBytes(8).toString("hex")}`;
  const file = join(folder, mine);
  await writeFile(file, "", { flag: "wx" });
  try {
    const other = await findOther(folder, mine);
    if (!other) return { release: () => rm(file, { force: true }) };
    await rm(file, { force: true });
    return other;
  } catch (error) {
    await rm(file, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Who else has a lock file here; those of the dead are removed. */
async function findOther(folder: string, mine?: string): Promise<FolderHolder | undefined> {
  for (const name of await readdir(folder)) {
    if (name === mine || !name.startsWith("lock-")) continue;
    const file = join(folder, name);
    if (isDead(name)) await rm(file, { force: true });
    else {
      const since = await timeOf(file);
      if (since === undefined) continue;
      const pid = NAME.exec(name)?.[4];
      const title = pid === undefined ? "another program" : `process ${pid}`;
      return { holder: { title, path: folder, since }, file };
    }
  }
  return undefined;
}

/** @returns when a file was made; `undefined` when it is gone */
async function timeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Only who surely lives no more: another computer that shares the folder, or another container, cannot be asked. */
function isDead(name: string): boolean {
  const [, computer, boot, space, pid, start] = NAME.exec(name) ?? [];
  if (computer === undefined || computer !== COMPUTER) return false;
  if (boot !== BOOT) return true;
  if (space !== SPACE) return false;
  const now = startOf(pid ?? "");
  return now === undefined || (now !== start && now !== UNKNOWN && start !== UNKNOWN);
}

function processName(): string {
  const pid = String(process.pid);
  return [COMPUTER, BOOT, SPACE, pid, startOf(pid) ?? UNKNOWN].join("-");
}

const UNKNOWN = "0";
const COMPUTER = short(hostname());
/** Linux has these in /proc (proc(5), pid_namespaces(7)); elsewhere a process number alone has to do. */
const BOOT = short(orUnknown(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")));
const SPACE = /\d+/.exec(orUnknown(() => readlinkSync("/proc/self/ns/pid")))?.[0] ?? UNKNOWN;

/**
 * @returns when a process began, in the kernel's ticks; "0" when that cannot be known; `undefined` when none of that
 *   number lives
 */
function startOf(pid: string): string | undefined {
  try {
    // "pid (name) state …"; the name may have spaces and brackets in it. The start is field 22.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return ["Z", "X"].includes(fields[0] ?? "") ? undefined : fields[19];
  } catch {
    // Not Linux, or not ours to see, or gone.
  }
  try {
    process.kill(Number(pid), 0);
    return UNKNOWN;
  } catch (error) {
    return codeOf(error) === "EPERM" ? UNKNOWN : undefined;
  }
}

function orUnknown(read: () => string): string {
  try {
    return read();
  } catch {
    return UNKNOWN;
  }
}

function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
