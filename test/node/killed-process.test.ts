/** A program that is killed in the middle of its router's writes: what was synced by then is there the next time. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../reliability/random.js";
import { makeFolder, startProgram } from "./machines.js";
import type { Found } from "./programs/writer.js";

/** `KILLS=n KILL_SEED=n npx tsx --test test/node/killed-process.test.ts` kills more often, or at other moments. */
const KILLS = Number(process.env["KILLS"] ?? 20);
const SEED = Number(process.env["KILL_SEED"] ?? Date.now() % 1_000_000);
/** About as long as a write and a sync take, in milliseconds. */
const LATEST_MS = 400;
/** Files that the program writes in turn. */
const FILES = 4;

test(`keeps what was synced when its program is killed ${KILLS} times`, async (t) => {
  t.diagnostic(`KILL_SEED=${SEED}`);
  const random = new Random(SEED);
  const overlays = makeFolder();
  let synced = 0;
  for (let kills = 0; ; kills++) {
    const program = startProgram("writer", overlays, "mine");
    const { numbers, damaged } = JSON.parse(await program.line()) as Found;
    const last = Math.max(0, ...numbers);
    const state = `after ${kills} kills ${synced} were synced, and there are ${numbers.join()}`;
    // The one under way may be there as well, whole or not; its file had the oldest one before.
    assert.ok(last === synced || last === synced + 1, state);
    for (let number = Math.max(1, synced - FILES + 2); number <= synced; number++)
      assert.ok(numbers.includes(number), state);
    const underWay = `/root/file${(synced + 1) % FILES}`;
    assert.deepEqual(
      damaged.filter((what) => what !== underWay),
      [],
      state,
    );

    synced = last;
    const more = kills < KILLS ? random.between(1, 3) : 0;
    for (let left = more; left > 0; left--) synced = Number(await program.line());
    if (more > 0) await sleep(random.next() * LATEST_MS);
    program.process.kill("SIGKILL");
    assert.equal(await program.ended(), "SIGKILL");
    if (more === 0) break;
    // It may have said more before it died.
    for (;;) {
      const line = await program.line().catch(() => undefined);
      if (line === undefined) break;
      synced = Number(line);
    }
  }
  const files = readdirSync(overlays, { recursive: true }).map(String);
  assert.ok(files.filter((path) => path.includes("lock-")).length <= 1, "the dead pile up");
});
