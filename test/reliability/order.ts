/**
 * `npm run test:order`: is every prefix of a router's commits a disk that it recovers from?
 *
 * Records the commits of a first boot and a write-heavy run, then rebuilds the overlay as it was after any number of
 * them. Journal replay alone must make it clean, and every file acknowledged by then must be there.
 *
 *   --firmware NAME   default demo
 *   --seed S          repeats a run's operations; the guest's timing is its own
 *   --prefixes N      how many prefixes at least, default 600
 *   --operations N    how many the guest carries out, default 250
 *   --sabotage reorder   swaps neighbouring commits; shuffle: moves them up to 63 places; drop: leaves some out;
 *                   flush: the drive does not wait for its write cache. The test must then fail
 */
import { execFile } from "node:child_process";
import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { ROOT } from "../../scripts/lib/paths.js";
import { recover } from "./ext4.js";
import { merged, readFirmware } from "./firmware.js";
import { PATHS } from "./operations.js";
import { Random } from "./random.js";
import type { Commit } from "./recording-store.js";
import { record, type Recording } from "./recording.js";
import { judge } from "./verdict.js";

const cp = (args: string[]) => promisify(execFile)("cp", args);
const AT_ONCE = 2;
const GIVE_UP_MS = 150_000;
/** How many problems are printed in full. */
const SHOWN = 10;

const { values } = parseArgs({
  options: {
    firmware: { type: "string", default: "demo" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    prefixes: { type: "string", default: "600" },
    operations: { type: "string", default: "250" },
    sabotage: { type: "string" },
  },
});

console.log(`write-order test: ${values.firmware}, seed ${values.seed}`);
const random = new Random(Number(values.seed));
const firmware = readFirmware(`${ROOT}images`, values.firmware);
const flushless = values.sabotage === "flush";
const honest = await record(firmware, random, Number(values.operations), GIVE_UP_MS, flushless);
const recording = { ...honest, commits: sabotaged(honest.commits, values.sabotage) };
console.log(
  `${recording.commits.length} commits recorded, ${recording.booted} of them until the shell answered; ` +
    `${recording.acknowledged.length} operations acknowledged`,
);

const tally = { blank: 0, filesystem: 0, replayed: 0, orphans: 0, checked: 0, lost: 0, unclean: 0 };
let failures = 0;
for (const problem of recording.problems) report(problem);
if (recording.acknowledged.length === 0) report("no operation was acknowledged");
await checkPrefixes(recording, prefixes(recording, Number(values.prefixes)));

const good = tally.blank + tally.filesystem - failures;
console.log(
  `write-order test: ${tally.blank + tally.filesystem} prefixes of ${recording.commits.length} commits ` +
    `(${tally.blank} before the filesystem, ${tally.replayed} with a journal to replay, ${tally.orphans} with orphans), ` +
    `${tally.checked} acknowledged files checked, ${tally.lost} lost, ${tally.unclean} unclean`,
);
console.log(`${Math.max(good, 0)} passed, ${failures} failed`);
// The emulator's timers would keep Node alive.
process.exit(failures > 0 ? 1 : 0);

/** Those around every acknowledgement, and others evenly between, half of them in the first boot when it has so many. */
function prefixes({ commits, acknowledged, booted }: Recording, wanted: number): number[] {
  const chosen = new Set<number>([0, booted, commits.length]);
  for (const position of acknowledged) chosen.add(position - 1).add(position);
  spread(chosen, 0, booted, wanted / 2);
  spread(chosen, booted, commits.length, wanted - chosen.size);
  return [...chosen].filter((prefix) => prefix >= 0).sort((one, other) => one - other);
}

function spread(chosen: Set<number>, from: number, to: number, wanted: number): void {
  const free = Array.from({ length: to - from }, (_, at) => from + at).filter(
    (prefix) => !chosen.has(prefix),
  );
  const step = Math.max(1, free.length / Math.max(wanted, 1));
  for (let at = 0; at < free.length; at += step) chosen.add(free[Math.floor(at)] ?? from);
}

async function checkPrefixes(recording: Recording, chosen: number[]): Promise<void> {
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = await mkdtemp(join(memory, "playground-order-"));
  const pristine = join(folder, "pristine");
  const disk = await open(pristine, "w");
  const checks = new Set<Promise<void>>();
  try {
    await disk.truncate(firmware.diskBytes - firmware.overlayStart);
    let applied = 0;
    for (const prefix of chosen) {
      for (const commit of recording.commits.slice(applied, prefix)) await write(disk, commit);
      applied = prefix;
      const image = join(folder, `prefix-${prefix}`);
      // Unlike Node's copyFile it leaves holes as holes.
      await cp([pristine, image]);
      if (checks.size >= AT_ONCE) await Promise.race(checks);
      const check = checkPrefix(recording, prefix, image).finally(() => checks.delete(check));
      checks.add(check);
    }
    await Promise.all(checks);
  } finally {
    await disk.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(disk: FileHandle, commit: Commit): Promise<void> {
  for (const { offset, bytes } of commit) {
    if (offset < firmware.overlayStart)
      throw new Error(`The router wrote to its ROM, at ${offset}.`);
    await disk.write(bytes, 0, bytes.length, offset - firmware.overlayStart);
  }
}

async function checkPrefix(recording: Recording, prefix: number, image: string): Promise<void> {
  const { operations, acknowledged } = recording;
  const found = await recover(image, PATHS);
  await rm(image);
  tally[found.kind]++;
  if (found.replayed) tally.replayed++;
  if (found.orphans) tally.orphans++;
  const count = acknowledged.filter((position) => position <= prefix).length;
  const files = merged(firmware.rom, found);
  const { checked, lost } = judge(files, firmware.rom, operations, count, firmware.pool);
  tally.checked += checked;
  tally.lost += lost.length;
  if (found.problems.length > 0) tally.unclean++;
  const problems = [...found.problems, ...lost];
  if (problems.length > 0)
    report(`after ${prefix} commits, ${count} acknowledged: ${problems.join("\n  ")}`);
}

function report(problem: string): void {
  failures++;
  if (failures <= SHOWN) console.log(problem);
}

/** Commits as a disk without the promise would have made them. */
function sabotaged(commits: readonly Commit[], how: string | undefined): readonly Commit[] {
  switch (how) {
    case undefined:
    case "flush":
      return commits;
    case "reorder":
      return moved(commits, 2);
    case "shuffle":
      return moved(commits, 64);
    case "drop":
      return commits.map((commit) => (random.next() < 0.05 ? [] : commit));
    default:
      throw new Error(`There is no sabotage called "${how}".`);
  }
}

/** Each commit up to `most` places, not included, later than it should be. */
function moved(commits: readonly Commit[], most: number): Commit[] {
  return commits
    .map((commit, at) => ({ commit, place: at + random.next() * most }))
    .sort((one, other) => one.place - other.place)
    .map(({ commit }) => commit);
}
