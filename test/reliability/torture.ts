/**
 * `npm run test:torture`: does a restored router compute as a booted one does?
 *
 * v86 does not restore all of a CPU by itself (src/machine/v86.ts). The demo's factory state is restored over and over, a
 * fresh PC each time, and has to give the same checksums, unpacked files and floating point as a router that was booted.
 * Every third router is saved again after its work, and the next one is restored from that: states of states.
 *
 *   --times N   how many restores, default 20
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureDemoFactory } from "../../scripts/lib/factory.js";
import { ROOT } from "../../scripts/lib/paths.js";
import { factoryFolder, withFactoryState } from "../../src/cli/factory-shelf.js";
import { bootInNode } from "../../src/cli/node-boot.js";
import { DEMO, readShelf } from "../../src/cli/shelf.js";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { readArchive } from "../../src/overlay/archive.js";
import type { FirmwareManifest } from "../../src/firmware/manifest.js";
import type { RestoreMessage } from "../../src/machine/messages.js";

type Factory = Extract<RestoreMessage, { kind: "factory" }>;

const BOOT_MS = 300_000;
const RESTORE_MS = 60_000;
/** Of every so many routers one is saved after its work, and restored next. */
const CHAIN_EVERY = 3;

/**
 * Integer code, compressed code with its many tables, and the FPU, on data that is the same in every router. On the disk
 * as well, so that the page cache and the driver have their part.
 */
const WORK = `awk 'BEGIN { x = 42; for (i = 0; i < 6000; i++) { x = (x * 16807) % 2147483647; printf "%d ", x } }' >/etc/torture
sync; echo 3 >/proc/sys/vm/drop_caches
sha256sum </etc/torture; md5sum </etc/torture
gzip -c /etc/torture | md5sum; gzip -c /etc/torture | gunzip -c | sha256sum
awk 'BEGIN { for (i = 1; i < 1500; i++) { r = i / 2; for (k = 0; k < 4; k++) r = (r + i / r) / 2; s = s * 0.75 + r / 7.3 }; printf "%.12f\\n", s }'
i=0; while [ $i -lt 4000 ]; do i=$((i + 1)); s=$(((s * 31 + i) % 1000003)); done; echo $s
rm /etc/torture; sync`;

const { values } = parseArgs({ options: { times: { type: "string", default: "20" } } });
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => process.exit(130));
const times = Number(values.times);
let passed = 0;
let failed = 0;
try {
  if (!(await ensureDemoFactory((line) => console.log(line))))
    throw new Error("There is no factory state to restore.");
  const demo = (await readShelf(ROOT)).find(({ name }) => name === DEMO);
  if (!demo) throw new Error("There is no demo.");
  const manifest = await withFactoryState(ROOT, demo);
  const factory = await factoryOf(manifest);
  const expected = (await work(manifest, undefined, false)).output;
  console.log(`a booted router says\n${expected}`);
  await torture(manifest, factory, expected);
} catch (error) {
  console.log(error instanceof Error ? error.stack : error);
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

async function torture(
  manifest: FirmwareManifest,
  factory: Factory,
  expected: string,
): Promise<void> {
  let saved: Factory | undefined;
  for (let number = 1; number <= times; number++) {
    const from = saved ? "a saved router" : "the factory state";
    try {
      const done = await work(manifest, saved ?? factory, number % CHAIN_EVERY === 0);
      saved = done.saved;
      if (done.output !== expected) throw new Error(`it says\n${done.output}`);
      passed++;
    } catch (error) {
      saved = undefined;
      failed++;
      console.log(`${number}, from ${from}: ${error instanceof Error ? error.message : ""}`);
    }
    if (number % 5 === 0) console.log(`${number}/${times}: ${failed} failed`);
  }
}

/** One router from power-on to its end: what it computed, and its state afterwards. */
async function work(
  manifest: FirmwareManifest,
  restore: Factory | undefined,
  save: boolean,
): Promise<{ output: string; saved: Factory | undefined }> {
  const { boot, until } = await bootInNode(manifest, {
    project: ROOT,
    signal: new AbortController().signal,
    restore,
  });
  try {
    if (!(await until("shell", restore ? RESTORE_MS : BOOT_MS)))
      throw new Error("no shell answers");
    const { stdout, stderr, exitCode } = await boot.exec(WORK);
    const output = `${stdout}${stderr}exit ${exitCode}`;
    if (!save) return { output, saved: undefined };
    const { state, chunks } = await boot.whole();
    return { output, saved: { kind: "factory", state, pages: undefined, seed: chunks } };
  } finally {
    boot.destroy();
  }
}

async function factoryOf(manifest: FirmwareManifest): Promise<Factory> {
  const { name, diskBytes, factory } = manifest;
  if (!factory) throw new Error("There is no factory state to restore.");
  const file = (path: string) => readFile(join(factoryFolder(ROOT, name), path));
  const bytes = async (path: string) => new Uint8Array(await file(path)).buffer;
  const archive = new Blob([await bytes(factory.chunks.file)]);
  return {
    kind: "factory",
    state: await bytes(factory.state.file),
    pages: factory.pages && (await bytes(factory.pages.file)),
    seed: await readArchive(archive, {
      overlay: "",
      root: manifest.root.sha256,
      diskBytes,
      chunkBytes: CHUNK_BYTES,
    }),
  };
}
