/**
 * `npm run test:torture`: does a restored router compute as a booted one does?
 *
 * v86 does not restore all of a CPU by itself (src/machine/v86.ts). The demo's factory state is restored over and over, a
 * fresh PC each time, and has to give the same checksums, unpacked files and floating point as a router that was booted.
 * Every third router is saved again after its work, and the next one is restored from that: states of states.
 *
 *   --times N   how many restores, default 20
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ensureDemoFactory } from "../../scripts/lib/factory.js";
import { ROOT } from "../../scripts/lib/paths.js";
import { projectFiles } from "../../src/cli/project-files.js";
import { DEMO } from "../../src/cli/shelf.js";
import { REAL_CLOCK } from "../../src/common/clock.js";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { firmwareOf } from "../../src/host/node/machine-files.js";
import { type Bios, V86_DIRECTORY } from "../../src/machine/assets.js";
import { Boot } from "../../src/machine/boot.js";
import { overlayOf } from "../../src/machine/overlay-of.js";
import { pcWith } from "../../src/machine/pc-identity.js";
import { planStart, type StartPlan } from "../../src/machine/start-plan.js";

type Start = Pick<StartPlan, "root" | "seed" | "from">;

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
const hasFactory = await ensureDemoFactory((line) => console.log(line));
const files = projectFiles(ROOT, { states: true });
const firmware = await firmwareOf(await files.firmware(DEMO));
const { diskBytes } = firmware.manifest;
const emulator = await compiled(`${V86_DIRECTORY}/v86.wasm`);
let passed = 0;
let failed = 0;
try {
  const factory = await startPlan({ cold: false });
  if (!hasFactory || !("restored" in factory.from))
    throw new Error("There is no factory state to restore.");
  const booted = await startPlan({ cold: true });
  const expected = (await work(booted, BOOT_MS, false)).output;
  console.log(`a booted router says\n${expected}`);
  await torture(factory, expected);
} catch (error) {
  console.log(error instanceof Error ? error.stack : error);
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

async function torture(factory: Start, expected: string): Promise<void> {
  let saved: Start | undefined;
  for (let number = 1; number <= times; number++) {
    const from = saved ? "a saved router" : "the factory state";
    try {
      const done = await work(saved ?? factory, RESTORE_MS, number % CHAIN_EVERY === 0);
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

/**
 * One router from power-on to its end: what it computed, and its state afterwards.
 *
 * @param milliseconds how long it may take to its shell
 */
async function work(
  start: Start,
  milliseconds: number,
  save: boolean,
): Promise<{ output: string; saved: Start | undefined }> {
  const { root, seed, from } = start;
  const disk = await LayeredDisk.open({
    base: new ImageLayer(new Uint8Array(root), diskBytes),
    store: memoryChunkStore(),
    chunkBytes: CHUNK_BYTES,
    seed,
  });
  const boot = new Boot({
    ...{ clock: REAL_CLOCK, emulator, disk, from, failsafe: false, wan: false },
    loadWasm: compiled,
    on: {
      output: () => undefined,
      stage: () => undefined,
      network: () => undefined,
      unplugged: () => undefined,
    },
  });
  const over = boot.ended.then(({ how }) => {
    throw new Error(`it ended by ${how}`);
  });
  try {
    await Promise.race([boot.ready, over, late(milliseconds)]);
    const { stdout, stderr, exitCode } = await Promise.race([boot.shell.exec(WORK), over]);
    const output = `${stdout}${stderr}exit ${exitCode}`;
    if (!save) return { output, saved: undefined };
    using _hold = await boot.still(disk);
    const state = await boot.pc.saveState();
    const chunks = await disk.snapshot();
    return { output, saved: { root, seed: chunks, from: { restored: { state } } } };
  } finally {
    boot.end(new Error("The test is over."));
  }
}

async function late(milliseconds: number): Promise<never> {
  await sleep(milliseconds, undefined, { ref: false });
  throw new Error("no shell answers");
}

/** How a router without an overlay comes to life. */
function startPlan({ cold }: { readonly cold: boolean }): Promise<Start> {
  const identity = overlayOf("torture", firmware);
  const pc = pcWith(firmware.identity.kernel);
  const store = memoryChunkStore();
  const root = firmware.load(["root"]).then(({ root: image }) => image);
  return planStart(
    { firmware, root, identity, pc, store, cold, bios, memory: undefined },
    () => ({}),
  );
}

async function bios(): Promise<Bios> {
  const [bios, vgaBios] = await Promise.all([
    files.read("kernels/seabios/bios.bin"),
    files.read("kernels/seabios/vgabios-stdvga.bin"),
  ]);
  return { bios, vgaBios };
}

async function compiled(path: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await files.read(path));
}
