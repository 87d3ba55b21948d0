/** What somebody has who installed the package: its module, its types, and README.md's example as it is printed there. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { NODE_DIST, ROOT } from "../../scripts/lib/paths.js";

let folder: string;
before(() => {
  assert.ok(existsSync(`${NODE_DIST}types`), "The package is not built: npm run build");
  // Below the package, so that its own name leads to it.
  mkdirSync(`${ROOT}test-results`, { recursive: true });
  folder = mkdtempSync(`${ROOT}test-results/package-`);
});
after(() => rmSync(folder, { recursive: true, force: true }));

function node(...args: string[]): { status: number | null; output: string } {
  // Without what a test runner puts there for its own.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    ...{ cwd: folder, env, encoding: "utf8", timeout: 600_000 },
  });
  return { status, output: stdout + stderr };
}

function example(): string {
  const readme = readFileSync(`${ROOT}README.md`, "utf8");
  const section = readme.split("## Test your router's rules from Node")[1] ?? "";
  const code = /```js\n(.*?)```/s.exec(section)?.[1];
  assert.ok(code, "README.md has no example");
  return code;
}

test("README's example passes as it is printed, and fails without its rule", () => {
  const file = join(folder, "example.test.mjs");
  writeFileSync(file, example());
  const run = node("--test", "--test-reporter=tap", file);
  assert.equal(run.status, 0, run.output);
  assert.match(run.output, /^# pass 1$/m);

  const sabotaged = example().replace("target REJECT", "target ACCEPT");
  assert.notEqual(sabotaged, example());
  writeFileSync(file, sabotaged);
  const failing = node("--test", "--test-reporter=tap", file);
  assert.match(failing.output, /^# fail 1$/m);
  assert.match(failing.output, /Missing expected rejection/);
});

test("stores overlays in a folder, and says in words what is wrong", () => {
  const file = join(folder, "program.mjs");
  writeFileSync(
    file,
    `import { createMachine, StorageError } from "openwrt-playground/node";
     const overlays = new URL("./overlays/", import.meta.url);
     const options = { firmware: "demo", overlay: "mine", overlays };
     const router = await createMachine(options);
     await router.start();
     const other = await createMachine(options);
     console.log(await other.start().catch((error) => error instanceof StorageError && error.problem));
     console.log((await router.storage()).durability);
     await router.destroy();
     await createMachine({ firmware: "other" }).catch(({ message }) => console.log(message));
     await createMachine({ firmware: "demo", assets: "/nowhere" }).catch(({ message }) => console.log(message));`,
  );
  const { status, output } = node(file);
  assert.equal(status, 0, output);
  const [inUse, durability, ...sentences] = output.trim().split("\n");
  assert.deepEqual([inUse, durability], ["in-use", "strict"]);
  assert.equal(sentences.length, 2);
  for (const sentence of sentences) assert.match(sentence, /no firmware named/);
});

test("is typed", () => {
  writeFileSync(
    join(folder, "typed.ts"),
    `import { createMachine, type Machine } from "openwrt-playground/node";
     const machine: Machine = await createMachine({ firmware: "demo", overlay: null });
     const { exitCode }: { exitCode: number } = await machine.exec("true");
     const response: Response = await machine.fetch("/");
     // @ts-expect-error a firmware is wanted
     await createMachine({ overlay: null });
     // @ts-expect-error there is no such option
     await createMachine({ firmware: "demo", colour: "red" });
     export { exitCode, response };`,
  );
  const compilerOptions = {
    ...{ strict: true, noEmit: true, module: "NodeNext", target: "ES2023", skipLibCheck: false },
    ...{ types: ["node"], lib: ["ES2023", "ESNext.Disposable"] },
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["typed.ts"] }),
  );
  const { status, output } = node(`${ROOT}node_modules/typescript/bin/tsc`, "-p", folder);
  assert.equal(status, 0, output);
});
