import assert from "node:assert/strict";
import fc from "fast-check";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { live, steps, type Subject } from "./machine-model.js";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
/** In CI; more by MODEL_RUNS=200000 npm run test:model. */
const RUNS = Number(process.env["MODEL_RUNS"] ?? 20_000);
/** Enough to find each sabotage, several times over. */
const SABOTAGE_RUNS = 50_000;

test(`whatever happens in whatever order, a machine keeps its promises (${RUNS} sequences)`, async () => {
  const subject = await subjectIn(PROJECT);
  // A failure prints its seed and the shortest sequence.
  await fc.assert(
    fc.asyncProperty(steps, (script) => live(subject, script)),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

/** What is wrong in a copy of the code, each against one of the promises. */
const SABOTAGES: readonly {
  promise: string;
  fault: RegExp;
  file: string;
  from: string;
  to: string;
}[] = [
  {
    promise: "at most one worker",
    fault: /workers live|after destroy|with \d workers/,
    file: "run.ts",
    from: "this.#worker.terminate();",
    to: "",
  },
  {
    promise: "whoever replaces a power-on ends the one before",
    fault: /workers live/,
    file: "power.ts",
    from: "    run?.cut(why);\n",
    to: "",
  },
  {
    promise: "running means that the overlay is held",
    fault: /running without the lease/,
    file: "power.ts",
    from: "saving = this.#saving } = how;",
    to: "saving = false } = how;",
  },
  {
    promise: "pending calls reject",
    fault: /never settled/,
    file: "run.ts",
    from: "this.remote.close(reason);",
    to: "",
  },
  {
    promise: "a router that does not obey is cut off",
    fault: /never settled/,
    file: "run.ts",
    from: "const late = clock.after(SHUTDOWN_MS, () => this.stop());",
    to: "const late = () => undefined;",
  },
  {
    promise: "each error once",
    fault: /told twice/,
    file: "power.ts",
    from: "    this.#giveUp(error);\n    this.#listener.error(error);\n  }\n\n  /** Ends it for good. */",
    to: "    this.#giveUp(error);\n    this.#listener.error(error);\n    this.#listener.error(error);\n  }\n\n  /** Ends it for good. */",
  },
  {
    promise: "the first cause is kept",
    fault: /first cause/,
    file: "power.ts",
    from: 'if (outcome.how === "failed") return this.fail(outcome.error);',
    to: 'if (outcome.how === "failed") { this.fail(outcome.error); this.#now = { is: "failed", error: new Error() }; return; }',
  },
  {
    promise: "start() resolves when a shell answers",
    fault: /no shell has answered/,
    file: "power.ts",
    from: 'if (run.stage === "running" && !now.next) {',
    to: "{",
  },
  {
    promise: "everybody who waits for a shell is told when there will be none",
    fault: /never settled/,
    file: "power.ts",
    from: "    this.#arrival?.reject(reason);\n",
    to: "",
  },
  {
    promise: "nothing is held after destroy()",
    fault: /after destroy/,
    file: "power.ts",
    from: 'if (this.#now.is === "destroyed") return Promise.reject(new MachineError(REMOVED));',
    to: "",
  },
  {
    promise: "a router that cannot save is not given away",
    fault: /given away/,
    file: "power.ts",
    from: "|| this.#yielding || now.run.stall) return;",
    to: "|| this.#yielding) return;",
  },
  {
    promise: "every change of the state is told",
    fault: /no event told/,
    file: "machine.ts",
    from: 'this.dispatchEvent(new Event("statechange"));',
    to: 'if (state !== "off") this.dispatchEvent(new Event("statechange"));',
  },
];

describe("a machine that breaks one promise is found out", () => {
  const folders: string[] = [];
  after(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  for (const { promise, fault, file, from, to } of SABOTAGES)
    test(promise, async () => {
      // Inside the project, for its packages are found from there.
      await mkdir(`${PROJECT}.cache`, { recursive: true });
      const folder = await mkdtemp(join(PROJECT, ".cache", "sabotage.tmp-"));
      folders.push(folder);
      for (const part of ["src", "test/common", "test/model"])
        await cp(join(PROJECT, part), join(folder, part), { recursive: true });
      const path = join(folder, "src/machine", file);
      const code = await readFile(path, "utf8");
      assert.equal(
        code.split(from).length,
        2,
        `${file} no longer has the line that is to be broken`,
      );
      await writeFile(path, code.replace(from, to));
      const subject = await subjectIn(`${folder}/`);
      const result = await fc.check(
        fc.asyncProperty(steps, (script) => live(subject, script)),
        { numRuns: SABOTAGE_RUNS, endOnFailure: true },
      );
      assert.ok(result.failed, "no sequence has found it");
      assert.match(String(result.errorInstance), fault);
    });
});

async function subjectIn(project: string): Promise<Subject> {
  const [{ Machine }, { FakeHost }] = await Promise.all([
    import(`${project}src/machine/machine.ts`) as Promise<Pick<Subject, "Machine">>,
    import(`${project}test/model/fake-host.ts`) as Promise<Pick<Subject, "FakeHost">>,
  ]);
  return { Machine, FakeHost };
}
