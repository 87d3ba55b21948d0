import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { publishFirmware } from "../../src/cli/publish.js";
import { parseCatalogue } from "../../src/firmware/catalogue.js";
import { parseManifest } from "../../src/firmware/manifest.js";
import { pcWith } from "../../src/machine/pc-identity.js";
import { makeProject, type Project, routerSquashfs } from "./project.js";

const squashfs = routerSquashfs();

async function projectWith(t: TestContext, ...names: string[]): Promise<Project> {
  const project = makeProject(t);
  const file = project.file("root.img", squashfs);
  for (const name of names)
    assert.equal((await project.firmware("add", file, "--name", name)).exitCode, 0);
  return project;
}

const siteOf = ({ folder }: Project) => join(folder, "dist/playground");

function catalogueOf(project: Project): string[] {
  const text = readFileSync(join(siteOf(project), "images/catalogue.json"), "utf8");
  return parseCatalogue(text).map(({ name }) => name);
}

/** Turns an added firmware into the demo, as if its recipe had made it. */
function asDemo({ folder }: Project, name: string): void {
  mkdirSync(join(folder, "images/demo"));
  for (const file of ["firmware.json", "rootfs.squashfs"]) {
    const content = readFileSync(join(folder, "images", name, file));
    const renamed = content.toString("latin1").replace(`"name": "${name}"`, '"name": "demo"');
    writeFileSync(join(folder, "images/demo", file), renamed, "latin1");
  }
}

test("publishes kernels, firmware and a catalogue with the demo first", async (t) => {
  const project = await projectWith(t, "alpha", "zeta");
  asDemo(project, "alpha");
  mkdirSync(join(project.folder, "kernels/seabios"));
  project.file("kernels/seabios/bios.bin", "bios");
  project.file("kernels/seabios/build.sh", "recipe");
  const site = siteOf(project);
  await publishFirmware(project.folder, site);
  assert.deepEqual(catalogueOf(project), ["demo", "alpha", "zeta"]);
  assert.deepEqual(readFileSync(join(site, "images/zeta/rootfs.squashfs")), squashfs);
  assert.ok(existsSync(join(site, "kernels/v86-6.12/bzImage")));
  assert.ok(existsSync(join(site, "kernels/seabios/bios.bin")));
  assert.ok(!existsSync(join(site, "kernels/seabios/build.sh")));
});

test("does not copy again what is there, and removes firmware that is gone", async (t) => {
  const project = await projectWith(t, "alpha", "beta");
  const site = siteOf(project);
  await publishFirmware(project.folder, site);
  const root = join(site, "images/alpha/rootfs.squashfs");
  const { ino } = statSync(root);
  rmSync(join(project.folder, "images/beta"), { recursive: true });
  await publishFirmware(project.folder, site);
  assert.equal(statSync(root).ino, ino);
  assert.deepEqual(catalogueOf(project), ["alpha"]);
  assert.ok(!existsSync(join(site, "images/beta")));
});

test("shows added and removed firmware on a built site at once", async (t) => {
  const project = makeProject(t);
  mkdirSync(siteOf(project), { recursive: true });
  const file = project.file("root.img", squashfs);
  await project.firmware("add", file, "--name", "alpha");
  assert.deepEqual(catalogueOf(project), ["alpha"]);
  assert.match((await project.firmware("list")).printed, /^alpha: OpenWrt 99\.1 r1-test$/m);
  assert.equal((await project.firmware("remove", "alpha")).exitCode, 0);
  assert.deepEqual(catalogueOf(project), []);
  assert.deepEqual(project.images(), []);
});

test("gives added firmware a newly built kernel and says so", async (t) => {
  const project = await projectWith(t, "alpha");
  await publishFirmware(project.folder, siteOf(project));
  const first = publishedManifest(project).kernel.sha256;
  project.file("kernels/v86-6.12/bzImage", "another kernel");
  const printed: string[] = [];
  await publishFirmware(project.folder, siteOf(project), (line) => printed.push(line));
  assert.match(printed.join(), /alpha: has the newly built kernel/);
  assert.notEqual(publishedManifest(project).kernel.sha256, first);
  assert.deepEqual(publishedManifest(project).earlierKernels, [first]);
  await publishFirmware(project.folder, siteOf(project), (line) => printed.push(line));
  assert.equal(printed.length, 1);
  project.file("kernels/v86-6.12/bzImage", "a third kernel");
  await publishFirmware(project.folder, siteOf(project));
  // The second one was never a part of a stored router's name.
  assert.deepEqual(publishedManifest(project).earlierKernels, [first]);
});

test("publishes nothing when the demo is not of the present kernel", async (t) => {
  const project = await projectWith(t, "alpha");
  asDemo(project, "alpha");
  project.file("kernels/v86-6.12/bzImage", "another kernel");
  await assert.rejects(publishFirmware(project.folder, siteOf(project)), /build\.sh --manifest/);
  assert.ok(!existsSync(siteOf(project)));
});

test("publishes nothing when a root or a manifest is damaged", async (t) => {
  const project = await projectWith(t, "alpha");
  project.file("images/alpha/rootfs.squashfs", "short");
  await assert.rejects(publishFirmware(project.folder, siteOf(project)), /has 5 bytes instead of/);
  project.file("images/alpha/firmware.json", "{}");
  await assert.rejects(publishFirmware(project.folder, siteOf(project)), /remove alpha/);
  assert.ok(!existsSync(siteOf(project)));
  assert.equal((await project.firmware("remove", "alpha")).exitCode, 0);
});

test("keeps the demo, and knows what is not there", async (t) => {
  const project = await projectWith(t, "alpha");
  asDemo(project, "alpha");
  for (const name of ["demo", "nothing", "../kernels"]) {
    const { exitCode, errors } = await project.firmware("remove", name);
    assert.equal(exitCode, 1);
    assert.equal(errors.length, 1);
  }
  assert.ok(project.images().includes("demo"));
});

test("explains itself when the command line makes no sense", async (t) => {
  const project = makeProject(t);
  const senseless = [
    [],
    ["make"],
    ["add"],
    ["add", "a", "b"],
    ["list", "x"],
    ["add", "--nmae", "x"],
  ];
  for (const args of [...senseless, ["add", "x", "--disk", "0"], ["add", "x", "--disk", "1025"]]) {
    const { exitCode, errors } = await project.firmware(...args);
    assert.equal(exitCode, 2, args.join(" "));
    assert.equal(errors.length, 1);
  }
  const help = await project.firmware("--help");
  assert.equal(help.exitCode, 0);
  assert.match(help.printed, /add FILE/);
  const absent = await project.firmware("add", "absent.img");
  assert.deepEqual([absent.exitCode, absent.errors], [1, ["There is no file absent.img."]]);
  assert.equal((await project.firmware("add", ".", "--name", "x")).exitCode, 1);
});

/** Puts a factory state of a firmware where `bake` does. */
function asBaked({ folder }: Project, name: string, change = {}): string {
  const cache = join(folder, ".cache/factory", name);
  mkdirSync(cache, { recursive: true });
  const { root, kernel } = parseManifest(
    readFileSync(join(folder, "images", name, "firmware.json"), "utf8"),
  );
  const part = (file: string) => {
    writeFileSync(join(cache, file), file);
    return { file, bytes: file.length, sha256: "a".repeat(64) };
  };
  const baked = {
    root: root.sha256,
    factory: {
      pc: { ...pcWith(kernel.sha256), ...change },
      state: part("factory-state.zst"),
      pages: part("factory-pages.bin"),
      chunks: part("factory-chunks.bin"),
    },
  };
  writeFileSync(join(cache, "factory.json"), JSON.stringify(baked));
  return cache;
}

const publishedManifest = (project: Project) =>
  parseManifest(readFileSync(join(siteOf(project), "images/alpha/firmware.json"), "utf8"));

test("publishes a factory state with its firmware, and no compressed copy of the old manifest stays", async (t) => {
  const project = await projectWith(t, "alpha");
  const alpha = join(siteOf(project), "images/alpha");
  await publishFirmware(project.folder, siteOf(project));
  assert.equal(publishedManifest(project).factory, undefined);
  writeFileSync(join(alpha, "firmware.json.br"), "the old one, compressed");
  asBaked(project, "alpha");
  await publishFirmware(project.folder, siteOf(project));
  const { factory, kernel } = publishedManifest(project);
  assert.deepEqual(factory?.pc, pcWith(kernel.sha256));
  assert.ok(existsSync(join(alpha, "factory-state.zst")));
  assert.ok(existsSync(join(alpha, "factory-pages.bin")));
  assert.ok(existsSync(join(alpha, "factory-chunks.bin")));
  assert.ok(!existsSync(join(alpha, "firmware.json.br")));
});

test("publishes no factory state that is of another PC, cut short, or of another kernel", async (t) => {
  const project = await projectWith(t, "alpha");
  const publish = () => publishFirmware(project.folder, siteOf(project));
  asBaked(project, "alpha", { devices: 10_000 });
  await publish();
  assert.equal(publishedManifest(project).factory, undefined);
  const cache = asBaked(project, "alpha");
  writeFileSync(join(cache, "factory-state.zst"), "cut");
  await publish();
  assert.equal(publishedManifest(project).factory, undefined);
  asBaked(project, "alpha");
  await publish();
  assert.notEqual(publishedManifest(project).factory, undefined);
  project.file("kernels/v86-6.12/bzImage", "another kernel");
  await publish();
  assert.equal(publishedManifest(project).factory, undefined);
});
