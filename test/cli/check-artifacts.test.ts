import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { checkArtifacts } from "../../scripts/check-artifacts.js";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

const KERNEL = "a kernel";
const ROOT = "a root";
const MANIFEST = {
  format: 1,
  name: "demo",
  title: "Demo",
  version: "1",
  kernel: { name: "k", bytes: KERNEL.length, sha256: digest(KERNEL) },
  root: { file: "r", bytes: ROOT.length, sha256: digest(ROOT) },
  diskBytes: 131072,
};

const GOOD: Record<string, string> = {
  "kernels/k/bzImage": KERNEL,
  "kernels/k/build.sh": "build",
  "kernels/k/SOURCES": [
    "# how it is made",
    "rebuild kernels/k/build.sh # takes minutes",
    "",
    `package linux-source-6.12 6.12.1-1~bpo12+1 all ${digest("deb")} GPL-2.0-only WITH Linux-syscall-note`,
    `recipe ${digest("build")} build.sh`,
    `artifact ${digest(KERNEL)} bzImage`,
    "",
  ].join("\n"),
  "images/demo/r": ROOT,
  "images/demo/files/etc/a b": "recipe",
  "images/demo/SOURCES": `rebuild x\nrecipe ${digest("recipe")} files/etc/a b\nartifact ${digest(ROOT)} r\n`,
  "images/demo/firmware.json": JSON.stringify(MANIFEST),
  "src/main.ts": "code",
};

/** What is found in a work tree with these files, `undefined` for one that is missing. */
function findings(t: TestContext, change: Record<string, string | undefined> = {}): string[] {
  const folder = mkdtempSync(join(tmpdir(), "artifacts-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries({ ...GOOD, ...change })) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  execFileSync("git", ["init", "-q"], { cwd: folder });
  execFileSync("git", ["add", "."], { cwd: folder });
  return checkArtifacts(folder);
}

test("finds nothing when all files are the ones that SOURCES describes", (t) => {
  assert.deepEqual(findings(t), []);
});

for (const [what, change, ...expected] of [
  [
    "an artifact that differs",
    { "kernels/k/bzImage": "b kernel" },
    /^kernels\/k\/bzImage differs/,
    /^kernels\/k\/bzImage is not the file that images\/demo\/firmware.json describes/,
  ],
  ["a recipe that differs", { "kernels/k/build.sh": "other" }, /build.sh differs/],
  ["a recipe that is missing", { "kernels/k/build.sh": undefined }, /build.sh is missing/],
  ["a file in no list", { "images/demo/stray": "" }, /stray is under version control and not in/],
  ["a folder without SOURCES", { "kernels/k/SOURCES": undefined }, /has no SOURCES file/],
  ["a wasm folder without SOURCES", { "wasm/w/w.wasm": "code" }, /wasm\/w has no SOURCES file/],
  [
    "SOURCES elsewhere",
    { "x/SOURCES": "rebuild x\n", "x/y": "" },
    /^x\/y is under version control/,
  ],
  ["no rebuild line", { "x/SOURCES": "# nothing\n" }, /0 "rebuild" lines/],
  ["a line with two spaces", { "x/SOURCES": "rebuild x\nrecipe  aa y\n" }, /line 2: .* understood/],
  [
    "a path that leads out",
    { "x/SOURCES": `rebuild x\nrecipe ${digest("")} ../src/main.ts\n` },
    /line 2: .* is not a path below/,
  ],
  [
    "a file listed twice",
    { "x/SOURCES": `rebuild x\nrecipe ${digest("")} y\nartifact ${digest("")} y\n`, "x/y": "" },
    /line 3: .* twice/,
  ],
  ["no manifest", { "images/demo/firmware.json": undefined }, /firmware.json is missing/],
  ["a damaged manifest", { "images/demo/firmware.json": "{}" }, /firmware.json: .* damaged/],
  [
    "a manifest of another root",
    { "images/demo/firmware.json": JSON.stringify(MANIFEST).replace(digest(ROOT), digest("")) },
    /^images\/demo\/r is not the file/,
  ],
] as const)
  test(`finds ${what}`, (t) => {
    const found = findings(t, change);
    assert.equal(found.length, expected.length, found.join("\n"));
    expected.forEach((pattern, i) => assert.match(found[i] ?? "", pattern));
  });
