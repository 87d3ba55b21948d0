/**
 * `npm run test:kill`: does every file that the router acknowledged survive the browser's sudden death?
 *
 * A guest writes files with fsync and acknowledges each on its console. At a random moment every process of Chromium
 * gets SIGKILL. On the same profile a new one must show every acknowledged file, a filesystem that is clean after
 * journal replay, and a router that boots.
 *
 *   --times N         how many kills, default 3
 *   --firmware NAME   default demo
 *   --seed S          repeats the operations and the moments, as far as a real machine's timing allows
 *   --build           builds dist/ first; it is built anyway when there is none
 *   --sabotage late   acknowledges the guest's writes before they are stored: the test must then fail
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { serve } from "../../scripts/lib/serve.js";
import { readFirmware } from "./firmware.js";
import { Random } from "./random.js";
import { type Kill, type Moment, Rounds, type Survey } from "./rounds.js";
import { makeSite, PAGE } from "./site.js";

/** Over and over, in this order: three kills have one of each kind that matters most. */
const MOMENTS: readonly Moment[] = [
  "writing",
  "format",
  "large",
  "writing",
  "boot",
  "writing",
  "writing",
  "large",
  "writing",
  "writing",
];

/** How many rounds may end with an error of the harness or of Chromium before the run ends; each is a failure. */
const MOST_BROKEN = 3;

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "3" },
    firmware: { type: "string", default: "demo" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    build: { type: "boolean", default: false },
    sabotage: { type: "string" },
  },
});

// Ends the browser as well, see browser.ts.
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => process.exit(130));
const times = Number(values.times);
const seed = Number(values.seed);
console.log(`kill test: ${times} kills, ${values.firmware}, seed ${seed}`);
const folder = await mkdtemp(join(tmpdir(), "playground-kill-test-"));
const total = {
  kills: 0,
  acknowledged: 0,
  checked: 0,
  lost: 0,
  unclean: 0,
  failures: 0,
  broken: 0,
  good: 0,
  bad: 0,
};
try {
  const site = join(folder, "site");
  await makeSite(site, values.build, values.sabotage);
  const server = await serve(site, 0);
  const firmware = readFirmware(join(site, "playground", "images"), values.firmware);
  const rounds = new Rounds(firmware, server.url + PAGE, join(folder, "profile"));
  await run(rounds);
  await server.close();
} catch (error) {
  console.log(error instanceof Error ? error.stack : error);
  if (total.bad === 0) total.bad++;
} finally {
  await rm(folder, { recursive: true, force: true });
}

console.log(
  `kill test: ${total.kills} kills, ${total.acknowledged} acknowledged operations, ` +
    `${total.checked} acknowledged files checked, ${total.lost} lost, ${total.unclean} unclean, ${total.failures} other failures`,
);
console.log(`${total.good} passed, ${total.bad} failed`);
process.exit(total.bad > 0 ? 1 : 0);

async function run(rounds: Rounds): Promise<void> {
  let last: Kill | undefined;
  for (let number = 1; number <= times + 1; number++) {
    // The last round only looks.
    const moment =
      number > times ? undefined : (MOMENTS[(number - 1) % MOMENTS.length] ?? "writing");
    const before = last;
    last = undefined;
    try {
      last = await rounds.next(moment, new Random(seed * 1000 + number), (survey) => {
        tell(number - 1, before, survey);
      });
      if (last) total.kills++;
      total.acknowledged += last?.acknowledged ?? 0;
    } catch (error) {
      console.log(`round ${number}: ${error instanceof Error ? error.stack : String(error)}`);
      total.bad++;
      if (++total.broken === MOST_BROKEN) {
        throw new Error("Too many rounds could not be run.", { cause: error });
      }
    }
  }
}

function tell(number: number, kill: Kill | undefined, survey: Survey): void {
  const problems = [...survey.lost, ...survey.unclean, ...survey.failures];
  total.checked += survey.checked;
  total.lost += survey.lost.length;
  total.unclean += survey.unclean.length;
  total.failures += survey.failures.length;
  if (problems.length > 0) total.bad++;
  else total.good++;
  const result = problems.length > 0 ? `FAILED\n  ${problems.join("\n  ")}` : "clean, boots";
  console.log(
    `${number}/${times} ${kill ? `${kill.moment}: ${kill.text}` : "killed in a broken round"}; ${survey.text}, ${survey.checked} files: ${result}`,
  );
}
