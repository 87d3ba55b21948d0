/** An overlay's filesystem in a file, looked at with e2fsprogs: what a router would find after the plug was pulled. */
import { spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "./operations.js";

/** Linux, fs/ext4/ext4.h: struct ext4_super_block begins 1024 bytes into the filesystem. */
const SUPERBLOCK = 1024;
const MAGIC_AT = SUPERBLOCK + 0x38;
const MAGIC = 0xef53;
const INCOMPAT_AT = SUPERBLOCK + 0x60;
const INCOMPAT_RECOVER = 0x4;
const LAST_ORPHAN_AT = SUPERBLOCK + 0xe8;

/** How many lines of a program's complaints are shown. */
const SHOWN_LINES = 8;

/**
 * The superblock's totals are only written at unmount; Linux and e2fsck take them from the groups' own. That they
 * differ after a replay is no fault, and e2fsck exits with 0.
 */
const LAZY_COUNTS = /^Free (?:blocks|inodes) count wrong \(\d+, counted=\d+\)\.\nFix\? no$/gm;

export interface Recovered {
  /** `blank`: no filesystem yet, the router will format it */
  readonly kind: "blank" | "filesystem";
  /** whether the journal had to be replayed */
  readonly replayed: boolean;
  /** whether deleted or truncated files were left for the next mount to free, which is part of recovery */
  readonly orphans: boolean;
  /** what is wrong, empty when the filesystem is clean */
  readonly problems: readonly string[];
  /** the files below /upper at the paths asked for, without those that do not exist */
  readonly files: Files;
  /** those of the paths where a whiteout hides what the ROM has */
  readonly whiteouts: ReadonlySet<string>;
}

/**
 * Replays the journal, and nothing else, then checks the filesystem in full and reads some of its files.
 *
 * @param image the overlay region alone; changed by this
 * @param paths absolute paths in the router
 */
export async function recover(image: string, paths: readonly string[]): Promise<Recovered> {
  const blank = await superblock(image);
  const nothing = { files: new Map<string, Buffer>(), whiteouts: new Set<string>() };
  if (blank.magic !== MAGIC)
    return { kind: "blank", replayed: false, orphans: false, problems: [], ...nothing };

  const problems: string[] = [];
  // With -f it would go on and repair.
  const replay = await run("e2fsck", ["-y", "-E", "journal_only", image]);
  if (replay.code > 1)
    problems.push(`journal replay: exit ${replay.code}: ${brief(replay.output)}`);
  const after = await superblock(image);
  // Preening without -f: frees orphans as the kernel does at mount, and gives up at anything else.
  if (after.orphans) {
    const preen = await run("e2fsck", ["-p", image]);
    if (preen.code > 1) problems.push(`orphans: exit ${preen.code}: ${brief(preen.output)}`);
  }
  const check = await run("e2fsck", ["-fn", image]);
  const refused = check.output.replace(LAZY_COUNTS, "").match(/^.*\n?.*\? no$/gm) ?? [];
  if (check.code !== 0 || refused.length > 0)
    problems.push(
      `e2fsck -fn: exit ${check.code}: ${brief(refused.length > 0 ? refused.join("\n") : check.output)}`,
    );
  return {
    kind: "filesystem",
    replayed: blank.needsRecovery,
    orphans: after.orphans,
    problems,
    ...(await readUpper(image, paths)),
  };
}

async function superblock(image: string) {
  const bytes = Buffer.alloc(SUPERBLOCK * 2);
  const file = await open(image);
  try {
    await file.read(bytes, 0, bytes.length, 0);
  } finally {
    await file.close();
  }
  return {
    magic: bytes.readUInt16LE(MAGIC_AT),
    needsRecovery: (bytes.readUInt32LE(INCOMPAT_AT) & INCOMPAT_RECOVER) !== 0,
    orphans: bytes.readUInt32LE(LAST_ORPHAN_AT) !== 0,
  };
}

async function readUpper(
  image: string,
  paths: readonly string[],
): Promise<Pick<Recovered, "files" | "whiteouts">> {
  const folder = await mkdtemp(`${image}-`);
  try {
    const commands = paths.flatMap((path, number) => [
      `stat /upper${path}`,
      `dump /upper${path} ${join(folder, String(number))}`,
    ]);
    const { output } = await run("debugfs", ["-f", "-", image], `${commands.join("\n")}\n`);
    const files = new Map<string, Buffer>();
    const whiteouts = new Set<string>();
    // debugfs repeats each command before its answer.
    for (const answer of output.split("debugfs: stat /upper").slice(1)) {
      const path = answer.slice(0, answer.indexOf("\n"));
      const type = /Type: (\w+)/.exec(answer)?.[1];
      if (type === "character") whiteouts.add(path);
      else if (type === "regular")
        files.set(path, await readFile(join(folder, String(paths.indexOf(path)))));
    }
    return { files, whiteouts };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  program: string,
  args: string[],
  input = "",
): Promise<{ code: number; output: string }> {
  const child = spawn(program, args, { env: { ...process.env, LC_ALL: "C" } });
  let output = "";
  const gather = (data: Buffer) => (output += data.toString());
  child.stdout.on("data", gather);
  child.stderr.on("data", gather);
  // e2fsck ends without reading any.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 255));
  });
  return { code, output };
}

/** The first lines of a program's complaints. */
function brief(output: string): string {
  return output.trim().split("\n").slice(0, SHOWN_LINES).join(" / ");
}
