/** Who may use a folder: one at a time, across processes, and nobody is kept out by the dead. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type FolderHolder, type FolderLease, leaseFolder } from "../../src/host/node/lease.js";
import { VirtualClock } from "../common/virtual-clock.js";
import { makeFolder, startProgram } from "./machines.js";

const now = (folder: string) => leaseFolder(folder, { wait: 0 });
const locksIn = (folder: string) => readdirSync(folder).filter((name) => name.startsWith("lock-"));

function leased(attempt: FolderLease | FolderHolder): FolderLease {
  if ("release" in attempt) return attempt;
  throw new Error(`It is held: ${attempt.file}`);
}

test("is given to one, and again when that one lets go", async () => {
  const folder = join(makeFolder(), "a", "b");
  const lease = leased(await now(folder));
  const other = await now(folder);
  assert.ok("holder" in other);
  assert.equal(other.holder.title, `process ${process.pid}`);
  assert.equal(other.holder.path, folder);
  assert.ok(Math.abs(other.holder.since - Date.now()) < 60_000);
  await lease.release();
  assert.deepEqual(locksIn(folder), []);
  await leased(await now(folder)).release();
});

test("waits as long as it may, and no longer", async () => {
  const folder = makeFolder();
  const clock = new VirtualClock();
  const lease = leased(await now(folder));
  let outcome = "waiting";
  const wait = async (milliseconds: number) => {
    const attempt = await leaseFolder(folder, { wait: milliseconds, clock });
    outcome = "release" in attempt ? "leased" : "held";
  };
  const first = wait(1000);
  await until(clock, () => outcome !== "waiting");
  await first;
  assert.equal(outcome, "held");
  assert.ok(clock.now() >= 1000);

  outcome = "waiting";
  const second = wait(10_000);
  await lease.release();
  await until(clock, () => outcome !== "waiting");
  await second;
  assert.equal(outcome, "leased");
});

/** Lets virtual time go on until something is so. */
async function until(clock: VirtualClock, so: () => boolean): Promise<void> {
  while (!so()) {
    // The file system takes real time.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await clock.pass(10);
  }
}

test("gives up when its signal aborts, and has nothing then", async () => {
  const folder = makeFolder();
  const lease = leased(await now(folder));
  const abort = new AbortController();
  const waiting = leaseFolder(folder, { wait: 600_000, signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await lease.release();
  await assert.rejects(leaseFolder(folder, { wait: 0, signal: abort.signal }), /enough/);
  assert.deepEqual(locksIn(folder), []);
});

test("is never given to two that want it at the same moment", async () => {
  const folder = makeFolder();
  let given = 0;
  for (let round = 0; round < 300; round++) {
    // At once, or nearly: three that go in step all see each other, and none has it.
    const soon = async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      return now(folder);
    };
    const attempts = await Promise.all([now(folder), soon(), soon()]);
    const leases = attempts.filter((attempt) => "release" in attempt);
    assert.ok(leases.length <= 1, `${leases.length} have it`);
    given += leases.length;
    for (const lease of leases) await lease.release();
    assert.deepEqual(locksIn(folder), []);
  }
  assert.ok(given > 0, "nobody ever had it");
});

test("is never given to two of many programs", async () => {
  const folder = makeFolder();
  const programs = Array.from({ length: 4 }, () => startProgram("lease", folder, "25"));
  assert.deepEqual(await Promise.all(programs.map((each) => each.ended())), [0, 0, 0, 0]);
  assert.deepEqual(locksIn(folder), []);
});

test("is free again when its holder was killed", async () => {
  const folder = makeFolder();
  const program = startProgram("lease", folder, "0");
  assert.equal(await program.line(), "inside");
  assert.ok("holder" in (await now(folder)));
  program.process.kill("SIGKILL");
  assert.equal(await program.ended(), "SIGKILL");
  assert.equal(locksIn(folder).length, 1);
  await leased(await now(folder)).release();
  assert.deepEqual(locksIn(folder), []);
});

test("believes no process number alone, and no lock file that it cannot judge", async () => {
  const folder = makeFolder();
  const lease = leased(await now(folder));
  const [name = ""] = locksIn(folder);
  await lease.release();
  const [, computer = "", boot = "", space = "", pid = "", start = ""] = name.split("-");
  const random = "0123456789abcdef";
  const other = (part: string) => part.replace(/./, (first) => (first === "1" ? "2" : "1"));
  const lock = (...parts: string[]) => ["lock", ...parts, random].join("-");
  const dead = [
    lock(computer, boot, space, "999999999", start),
    // The number was given to another process since.
    lock(computer, boot, space, pid, other(start)),
    lock(computer, other(boot), space, pid, start),
  ];
  const doubtful = [
    lock(other(computer), other(boot), space, "999999999", start),
    lock(computer, boot, other(space), "999999999", start),
    "lock-of-a-later-version",
  ];
  mkdirSync(folder, { recursive: true });
  for (const file of dead) {
    writeFileSync(join(folder, file), "");
    await leased(await now(folder)).release();
    assert.deepEqual(locksIn(folder), []);
  }
  for (const file of doubtful) {
    writeFileSync(join(folder, file), "");
    const attempt = await now(folder);
    assert.ok("holder" in attempt, file);
    assert.equal(attempt.file, join(folder, file));
    rmSync(join(folder, file));
  }
});
