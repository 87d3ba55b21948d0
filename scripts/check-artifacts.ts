/**
 * `npm run check:artifacts`: are the binary files under version control the ones that their SOURCES describe?
 *
 * Looks at every folder with a SOURCES file, and demands one in every folder of `kernels/` and `wasm/` and in
 * `images/demo`. Each line of it states one fact, after a `#` is a comment:
 *
 *     rebuild COMMAND                                      makes the artifacts, run in the project's folder; one line
 *     package NAME VERSION ARCHITECTURE SHA256 LICENCE     a Debian package that goes in; digest of the .deb, SPDX.
 *                                                          Of architecture "source": digest of the .dsc
 *     recipe SHA256 PATH                                   a file of ours that goes in
 *     artifact SHA256 PATH                                 a file that comes out
 *
 * Exit code 1 and one sentence a finding.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseManifest } from "../src/firmware/manifest.js";

const SOURCES = "SOURCES";
/** Each folder in these holds something built, and must say from what. */
const BUILT = ["kernels", "wasm"];
const DEMO = "images/demo";
/** Checked against what it describes instead of against SOURCES, as it changes with the kernel. */
const MANIFEST = "firmware.json";

const LINES = {
  rebuild: /^rebuild \S.*$/,
  package: /^package [a-z0-9][a-z0-9.+-]+ \S+ [a-z0-9-]+ [0-9a-f]{64} \S(?:.*\S)?$/,
  file: /^(?:recipe|artifact) (?<digest>[0-9a-f]{64}) (?<path>\S.*)$/,
};

/**
 * @param project folder of the project, a git work tree
 * @returns one sentence for each thing that is wrong; none when all is well
 * @throws {Error} git cannot be asked
 */
export function checkArtifacts(project: string): string[] {
  const tracked = trackedFiles(project);
  return [
    ...foldersToCheck(project, tracked).flatMap((folder) => checkFolder(project, folder, tracked)),
    ...checkDemo(project),
  ];
}

function trackedFiles(project: string): string[] {
  const git = spawnSync("git", ["ls-files", "-z"], { cwd: project, encoding: "utf8" });
  if (git.status !== 0)
    throw new Error(`git cannot list the files under version control: ${git.stderr.trim()}`);
  return git.stdout.split("\0").filter((path) => path !== "");
}

function foldersToCheck(project: string, tracked: string[]): string[] {
  const folders = tracked.filter((path) => basename(path) === SOURCES).map((path) => dirname(path));
  for (const parent of BUILT)
    if (existsSync(join(project, parent)))
      for (const entry of readdirSync(join(project, parent), { withFileTypes: true }))
        if (entry.isDirectory()) folders.push(`${parent}/${entry.name}`);
  if (existsSync(join(project, DEMO))) folders.push(DEMO);
  return [...new Set(folders)].sort();
}

function checkFolder(project: string, folder: string, tracked: string[]): string[] {
  const file = join(project, folder, SOURCES);
  if (!existsSync(file)) return [`${folder} has no SOURCES file. Run its build.sh.`];
  const { files, findings } = readSources(readFileSync(file, "utf8"), `${folder}/${SOURCES}`);
  for (const [path, digest] of files) {
    const wrong = checkFile(join(project, folder, path), digest);
    if (wrong) findings.push(`${folder}/${path} ${wrong}.`);
  }
  for (const path of tracked) {
    if (!path.startsWith(`${folder}/`)) continue;
    const name = path.slice(folder.length + 1);
    if (name !== SOURCES && name !== MANIFEST && !files.has(name))
      findings.push(`${path} is under version control and not in ${folder}/${SOURCES}.`);
  }
  return findings;
}

/** @returns digests by path of all recipes and artifacts, and what is wrong with the file itself */
function readSources(
  text: string,
  file: string,
): { files: Map<string, string>; findings: string[] } {
  const files = new Map<string, string>();
  const findings: string[] = [];
  let rebuild = 0;
  text.split("\n").forEach((line, number) => {
    const wrong = (what: string) => findings.push(`${file}, line ${number + 1}: ${what}.`);
    const content = line.replace(/(^|\s+)#.*$/, "");
    if (content === "") return;
    const { digest, path } = LINES.file.exec(content)?.groups ?? {};
    if (digest !== undefined && path !== undefined) {
      if (path.split("/").some((part) => ["", ".", ".."].includes(part)))
        wrong(`"${path}" is not a path below the folder`);
      else if (files.has(path)) wrong(`"${path}" is listed twice`);
      else files.set(path, digest);
    } else if (LINES.rebuild.test(content)) rebuild++;
    else if (!LINES.package.test(content)) wrong(`"${content}" is not understood`);
  });
  if (rebuild !== 1) findings.push(`${file} has ${rebuild} "rebuild" lines instead of one.`);
  return { files, findings };
}

/** @returns what is wrong with the file; undefined when it is the one with this digest */
function checkFile(path: string, digest: string): string | undefined {
  if (!existsSync(path)) return "is missing";
  if (!lstatSync(path).isFile()) return "is not a file";
  return sha256(path) === digest ? undefined : "differs from its digest in SOURCES";
}

/** The demo's firmware.json must describe the files that are there. */
function checkDemo(project: string): string[] {
  const file = join(project, DEMO, MANIFEST);
  if (!existsSync(join(project, DEMO))) return [];
  if (!existsSync(file)) return [`${DEMO}/${MANIFEST} is missing.`];
  try {
    const { name, kernel, root } = parseManifest(readFileSync(file, "utf8"));
    const parts = [
      { path: `kernels/${kernel.name}/bzImage`, ...kernel },
      { path: `${DEMO}/${root.file}`, ...root },
    ];
    const findings = name === "demo" ? [] : [`${DEMO}/${MANIFEST} calls itself "${name}".`];
    for (const { path, bytes, sha256: digest } of parts) {
      const place = join(project, path);
      if (!existsSync(place)) findings.push(`${path}, named by ${DEMO}/${MANIFEST}, is missing.`);
      else if (lstatSync(place).size !== bytes || sha256(place) !== digest)
        findings.push(`${path} is not the file that ${DEMO}/${MANIFEST} describes.`);
    }
    return findings;
  } catch (error) {
    return [`${DEMO}/${MANIFEST}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

const thisFile = fileURLToPath(import.meta.url);
if (process.argv[1] !== undefined && resolve(process.argv[1]) === thisFile) {
  const findings = checkArtifacts(resolve(dirname(thisFile), ".."));
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) process.exitCode = 1;
}
