import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { nameOf } from "../../src/cli/add.js";
import { type FirmwareManifest, parseManifest } from "../../src/firmware/manifest.js";
import { putBootSector, putGpt, SECTOR, superblock } from "../image/disk-images.js";
import {
  makeProject,
  type Project,
  routerSquashfs,
  routerTarball,
  routerTreeFor,
} from "./project.js";

const squashfs = routerSquashfs();
const used = Number(squashfs.readBigUInt64LE(40));

function manifestOf(project: Project, name: string): FirmwareManifest {
  return parseManifest(readFileSync(join(project.folder, `images/${name}/firmware.json`), "utf8"));
}

function rootOf(project: Project, name: string): Buffer {
  return readFileSync(join(project.folder, `images/${name}/rootfs.squashfs`));
}

/** Adds the content as a firmware "router" and gives its root. */
async function added(project: Project, content: Uint8Array, ...options: string[]): Promise<Buffer> {
  const file = project.file("some-file", content);
  const { exitCode, errors } = await project.firmware("add", file, "--name", "router", ...options);
  assert.deepEqual({ exitCode, errors }, { exitCode: 0, errors: [] });
  return rootOf(project, "router");
}

test("adds a squashfs root image with its release, digests and disk", async (t) => {
  const project = makeProject(t);
  const file = project.file("OpenWrt 99.1-squashfs-rootfs.img", squashfs);
  const { exitCode, printed } = await project.firmware("add", file);
  assert.equal(exitCode, 0);
  assert.match(printed, /\?firmware=openwrt-99\.1-squashfs-rootfs$/);
  assert.match(printed, /overlay +from byte 65536 of the disk/);

  const manifest = manifestOf(project, "openwrt-99.1-squashfs-rootfs");
  assert.equal(manifest.title, "OpenWrt 99.1 r1-test");
  assert.equal(manifest.version, "99.1");
  assert.equal(manifest.diskBytes, 96 * 1024 * 1024);
  const root = rootOf(project, manifest.name);
  assert.equal(manifest.root.bytes, root.length);
  assert.equal(manifest.root.sha256, createHash("sha256").update(root).digest("hex"));
  assert.deepEqual(project.images(), [
    manifest.name,
    `${manifest.name}/firmware.json`,
    `${manifest.name}/rootfs.squashfs`,
  ]);
});

test("cuts whatever follows the squashfs in the file", async (t) => {
  const marks = Buffer.concat([squashfs, Buffer.alloc(100_000), Buffer.from("\xde\xad\xc0\xde")]);
  assert.deepEqual(await added(makeProject(t), marks), squashfs);
});

test("fills the last page of a squashfs that is not padded", async (t) => {
  const root = await added(makeProject(t), squashfs.subarray(0, used));
  assert.equal(root.length % 4096, 0);
  assert.deepEqual(root, squashfs);
});

test("adds a gzip file with OpenWrt's metadata behind it", async (t) => {
  for (const metadata of ["", "\0\0\0\0", "{}", "\x1f\x8b", "FWx0".repeat(50_000)]) {
    const file = Buffer.concat([gzipSync(squashfs), Buffer.from(metadata, "latin1")]);
    assert.deepEqual(await added(makeProject(t), file), squashfs);
  }
});

test("adds a gzip file of several members and with a name in its header", async (t) => {
  const half = squashfs.length / 2;
  const named = execFileSync("gzip", ["-c", makeProject(t).file("a", squashfs.subarray(half))]);
  const file = Buffer.concat([gzipSync(squashfs.subarray(0, half)), named]);
  assert.deepEqual(await added(makeProject(t), file), squashfs);
});

test("adds xz and zstd files", async (t) => {
  for (const tool of ["xz", "zstd"]) {
    const file = execFileSync(tool, ["-c"], { input: squashfs });
    assert.deepEqual(await added(makeProject(t), file), squashfs);
  }
});

test("takes the squashfs partition of an MBR disk image that is not padded", async (t) => {
  const disk = Buffer.concat([Buffer.alloc(1024 * SECTOR), squashfs]);
  putBootSector(disk, 0, [
    [0x83, 512, 512],
    [0x83, 1024, 200_000],
  ]);
  const project = makeProject(t);
  const { printed } = await project.firmware("add", project.file("c.img", disk));
  assert.match(printed, /partition 2 of a disk image/);
  assert.deepEqual(await added(makeProject(t), gzipSync(disk)), squashfs);
});

test("takes the squashfs partition of a GPT disk image", async (t) => {
  const disk = Buffer.concat([Buffer.alloc(1024 * SECTOR), squashfs]);
  putGpt(disk, [
    { type: 1, first: 512n, last: 1023n, name: "kernel" },
    { type: 2, first: 1024n, last: 1024n + BigInt(squashfs.length / SECTOR) - 1n },
  ]);
  assert.deepEqual(await added(makeProject(t), disk), squashfs);
});

test("repacks a tarball, with the same bytes every time", async (t) => {
  const first = makeProject(t);
  const tarball = routerTarball();
  const root = await added(first, gzipSync(tarball));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual(await added(makeProject(t), tarball), root);

  const image = join(first.folder, "images/router/rootfs.squashfs");
  const files = execFileSync("unsquashfs", ["-lln", "-UTC", image], { encoding: "utf8" });
  assert.match(files, /^drwxr-xr-x 0\/0 .* 1970-01-01 00:00 squashfs-root$/m);
  assert.match(files, /2001-09-09 01:46 squashfs-root\/etc\/preinit$/m);
});

test("replaces a firmware only when told to", async (t) => {
  const project = makeProject(t);
  await added(project, squashfs);
  const other = project.file("other", routerSquashfs("zstd"));
  const refused = await project.firmware("add", other, "--name", "router");
  assert.equal(refused.exitCode, 1);
  assert.match(refused.errors.join(), /already/);
  assert.deepEqual(rootOf(project, "router"), squashfs);
  const forced = await project.firmware("add", other, "--name", "router", "--force");
  assert.equal(forced.exitCode, 0);
  assert.notDeepEqual(rootOf(project, "router"), squashfs);
  assert.equal(project.images().length, 3);
});

test("takes the size of the disk from --disk", async (t) => {
  const project = makeProject(t);
  await added(project, squashfs, "--disk", "1024", "--title", "My router");
  const manifest = manifestOf(project, "router");
  assert.equal(manifest.diskBytes, 1024 ** 3);
  assert.equal(manifest.title, "My router");
});

/** The image is not that large; only its header says so, and the file is sparse. */
function hugeSquashfs(bytesUsed: number): Buffer {
  const image = Buffer.alloc(bytesUsed);
  image.set(superblock({ bytesUsed: BigInt(bytesUsed) }));
  return image;
}

const badTrailer = gzipSync(squashfs);
badTrailer.writeUInt32LE(1, badTrailer.length - 8);
const noRoot = Buffer.alloc(4096 * SECTOR);
putBootSector(noRoot, 0, [[0x83, 512, 1024]]);
const kernel = Buffer.alloc(4096);
kernel.write("HdrS", 0x202);
const bomb = Buffer.concat(Array<Buffer>(17).fill(gzipSync(Buffer.alloc(2 ** 26), { level: 1 })));
const amd64 = routerTreeFor("DISTRIB_ARCH='x86_64'\n");

for (const [what, content, sentence, ...options] of [
  ["zero bytes", "", /empty/],
  ["text", "not an image", /neither a squashfs nor a tarball nor a disk image/],
  ["zeros", Buffer.alloc(100_000), /neither a squashfs/],
  ["a truncated squashfs", squashfs.subarray(0, used - 1), /truncated/],
  ["a squashfs cut in its header", squashfs.subarray(0, 50), /truncated/],
  ["a squashfs with damaged tables", damagedTables(), /damaged/],
  ["a squashfs that Linux does not read", superblock({ major: 3 }), /version 3\.0/],
  ["a squashfs that our kernel does not read", routerSquashfs("lzo"), /compressed with lzo/],
  ["a squashfs for another processor", routerSquashfs("xz", amd64), /processor x86_64/],
  ["a gzip file that ends early", gzipSync(squashfs).subarray(0, 300), /ends early/],
  ["a gzip file that ends in its header", gzipSync(squashfs).subarray(0, 10), /ends early/],
  ["a gzip file that ends in its checksum", gzipSync(squashfs).subarray(0, -4), /ends early/],
  ["a gzip file with a wrong checksum", badTrailer, /damaged/],
  ["a gzip file of text", gzipSync("text"), /neither a squashfs/],
  ["a gzip file of a gzip file", gzipSync(gzipSync(squashfs)), /compressed twice/],
  ["a gzip file that unpacks to more than 1 GiB", bomb, /more than 1073741824 bytes/],
  ["an xz file that ends early", xz(squashfs).subarray(0, 300), /ends early/],
  ["a truncated tarball", routerTarball().subarray(0, 2000), /cannot be made into a squashfs/],
  ["a tarball without /etc/preinit", routerTarball("etc/preinit"), /no \/etc\/preinit\./],
  ["a tarball without /sbin/init", routerTarball("sbin/init"), /no \/sbin\/init\./],
  ["a disk image without squashfs", noRoot, /none of its 1 partitions/],
  ["a kernel", kernel, /Linux kernel/],
  ["a root larger than the disk", hugeSquashfs(3_000_000), /larger than the disk/, "--disk", "2"],
  ["a root that leaves no room", squashfs, /Give --disk 9 or more/, "--disk", "8"],
] as const)
  test(`says in one sentence what is wrong with ${what}, and changes nothing`, async (t) => {
    const project = makeProject(t);
    await added(project, squashfs);
    const before = project.images();
    const file = project.file("bad", content);
    const args = ["add", file, "--name", "router", "--force", ...options];
    const { exitCode, errors, printed } = await project.firmware(...args);
    assert.equal(exitCode, 1);
    assert.equal(printed, "");
    assert.equal(errors.length, 1);
    assert.match(errors.join(), sentence);
    assert.match(errors.join(), /^[^\n]+$/);
    assert.deepEqual(project.images(), before);
    assert.deepEqual(rootOf(project, "router"), squashfs);
  });

function xz(content: Uint8Array): Buffer {
  return execFileSync("xz", ["-c"], { input: content });
}

function damagedTables(): Buffer {
  const image = Buffer.from(squashfs);
  return image.fill(0x58, 96, used);
}

test("says which package is missing", async (t) => {
  const project = makeProject(t);
  const file = project.file("root.tar", routerTarball());
  const path = process.env["PATH"];
  t.after(() => (process.env["PATH"] = path));
  process.env["PATH"] = "/nonexistent";
  const { exitCode, errors } = await project.firmware("add", file);
  assert.equal(exitCode, 1);
  assert.match(errors.join(), /apt-get install squashfs-tools/);
  assert.deepEqual(project.images(), []);
  const image = await project.firmware("add", project.file("root.img", squashfs));
  assert.equal(image.exitCode, 0);
});

test("refuses names that are no names, and the demo's", async (t) => {
  const project = makeProject(t);
  const file = project.file("root.img", squashfs);
  for (const name of ["../x", "A", "a b", "", ".x"])
    assert.equal((await project.firmware("add", file, `--name=${name}`)).exitCode, 2, name);
  const demo = await project.firmware("add", file, "--name", "demo", "--force");
  assert.equal(demo.exitCode, 1);
  assert.deepEqual(project.images(), []);
});

test("makes a name of the file's", () => {
  assert.equal(nameOf("/a/openwrt-23.05.5-x86.img.gz"), "openwrt-23.05.5-x86");
  assert.equal(nameOf("My Router (1)..tar.GZ"), "my-router-1");
  assert.equal(nameOf("x".repeat(100)).length, 64);
  assert.throws(() => nameOf("ルーター.img"), /Give --name/);
});

test("needs a kernel", async (t) => {
  const project = makeProject(t);
  execFileSync("rm", [join(project.folder, "kernels/v86-6.12/bzImage")]);
  const { exitCode, errors } = await project.firmware("add", project.file("r.img", squashfs));
  assert.equal(exitCode, 1);
  assert.match(errors.join(), /kernels\/v86-6\.12\/bzImage is missing/);
});

test("cleans up when it is interrupted", async (t) => {
  const controller = new AbortController();
  const project = makeProject(t, controller.signal);
  const file = project.file("large.gz", gzipSync(Buffer.alloc(200_000_000), { level: 1 }));
  const adding = project.firmware("add", file);
  setTimeout(() => controller.abort(), 50);
  const { exitCode, errors } = await adding;
  assert.equal(exitCode, 130);
  assert.equal(errors.length, 1);
  assert.deepEqual(project.images(), []);
  assert.ok(statSync(file).size > 0);
});

test("cleans up after Ctrl-C", async (t) => {
  const project = makeProject(t);
  // The entry takes the folder it lies in for the project.
  for (const folder of ["cli", "common", "disk", "firmware", "image", "machine"])
    cpSync(new URL(`../../src/${folder}`, import.meta.url), join(project.folder, "src", folder), {
      recursive: true,
    });
  writeFileSync(join(project.folder, "package.json"), '{ "type": "module" }');
  project.file("large.gz", gzipSync(Buffer.alloc(500_000_000), { level: 1 }));
  const command = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), "src/cli/main.ts", "add", "large.gz"],
    { cwd: project.folder, env: { ...process.env, INIT_CWD: project.folder }, stdio: "ignore" },
  );
  const ended = once(command, "close");
  while (!project.images().some((path) => path.endsWith("/unpacked")) && command.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 10));
  command.kill("SIGINT");
  assert.deepEqual(await ended, [130, null]);
  assert.deepEqual(project.images(), []);
});
