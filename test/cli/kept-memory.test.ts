/** A real router's memory, saved by what changed and gone on from in another PC. In Node, with the machine's own code. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ROOT } from "../../scripts/lib/paths.js";
import { DEMO, folderOf, readShelf } from "../../src/cli/shelf.js";
import { REAL_CLOCK } from "../../src/common/clock.js";
import { CHUNK_BYTES, type Chunks } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { Boot, type BootOptions } from "../../src/machine/boot.js";
import { MachineError } from "../../src/machine/errors.js";
import { MemoryKeeper } from "../../src/machine/memory-keeper.js";
import { MEMORY_BYTES, pcWith } from "../../src/machine/pc-identity.js";
import { type Page, partsOf } from "../../src/snapshot/memory-image.js";
import type { KeptMemory, MemorySave, MemoryStore } from "../../src/snapshot/memory-store.js";
import { PAGE_BYTES } from "../../src/snapshot/shared-pages.js";

/** Longer than any step takes on a busy computer, in milliseconds. */
const STEP_MS = 300_000;
/** In tmpfs, that is in memory alone; a program that runs; a setting on the disk. */
const FILL = `head -c 2000000 /dev/urandom >/tmp/data; sha256sum </tmp/data
sleep 100000 >/dev/null 2>&1 & echo $! >/tmp/pid`;
const COMMIT = `uci set system.@system[0].hostname=kept; uci commit; sync`;
const CHECK = `sha256sum </tmp/data; kill -0 $(cat /tmp/pid) && uci get system.@system[0].hostname
dmesg | grep -ciE 'bug|oops|segfault|ext4.*error'`;

const file = async (...path: string[]) => new Uint8Array(await readFile(join(ROOT, ...path)));

/** A router with the demo's disk. */
async function start(context: TestContext, chunks: Chunks, from: BootOptions["from"]) {
  const demo = (await readShelf(ROOT)).find(({ name }) => name === DEMO);
  assert.ok(demo);
  const root = new Uint8Array(await readFile(join(folderOf(ROOT, DEMO), demo.root.file)));
  // What is in memory here is what a browser has stored.
  const store = { ...memoryChunkStore(), durability: "strict" as const };
  if (chunks.size > 0) await store.commit(chunks);
  const disk = await LayeredDisk.open({
    base: new ImageLayer(root, demo.diskBytes),
    store,
    chunkBytes: CHUNK_BYTES,
  });
  const wasm = async (path: string) => WebAssembly.compile(await file(path));
  const boot = new Boot({
    ...{ clock: REAL_CLOCK, disk, from, wan: false },
    emulator: await wasm("node_modules/v86/build/v86.wasm"),
    // It has no network.
    loadWasm: () => new Promise(() => undefined),
    on: {
      output: () => undefined,
      stage: () => undefined,
      network: () => undefined,
      unplugged: () => undefined,
    },
  });
  context.after(() => boot.end(new Error("The test is over.")));
  const run = async (command: string) => {
    const { stdout, stderr } = await boot.shell.exec(command, { timeout: STEP_MS });
    return (stdout + stderr).trim();
  };
  await boot.ready;
  return { boot, disk, run };
}

/** Saves as soon as the router, which may still start its services, is not too busy for it. */
async function saved(keeper: MemoryKeeper) {
  const giveUp = performance.now() + STEP_MS;
  for (;;) {
    try {
      const save = await keeper.save();
      assert.ok(save);
      return save;
    } catch (error) {
      if (!(error instanceof MachineError) || performance.now() > giveUp) throw error;
    }
  }
}

/** A store that builds what it keeps of the changes alone. */
class ChangesStore implements MemoryStore {
  readonly #pages = new Map<number, Page>();
  #kept: KeptMemory | undefined;

  get bytes(): number {
    return this.#pages.size * PAGE_BYTES;
  }

  load(): Promise<KeptMemory | undefined> {
    return Promise.resolve(this.#kept);
  }

  save({ changes, ...save }: MemorySave): Promise<number> {
    let bytes = 0;
    for (const [number, page] of changes) {
      bytes += page?.length ?? 0;
      if (page) this.#pages.set(number, page);
      else this.#pages.delete(number);
    }
    assert.equal(this.#pages.size, save.pages.size);
    this.#kept = { ...save, pages: this.#pages };
    return Promise.resolve(bytes);
  }

  drop(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): void {
    this.#pages.clear();
  }
}

test("a router goes on in another PC from the memory that was saved by what changed", async (context) => {
  const first = await start(context, new Map(), {
    parts: {
      bios: (await file("kernels/seabios/bios.bin")).buffer,
      vgaBios: (await file("kernels/seabios/vgabios-stdvga.bin")).buffer,
      kernel: (await file("kernels/v86-6.12/bzImage")).buffer,
    },
  });
  await first.run("sync");
  const store = new ChangesStore();
  const keeper = new MemoryKeeper({
    ...{ store, pc: pcWith("0".repeat(64)), disk: first.disk },
    still: async (take) => {
      using _hold = await first.boot.still(first.disk);
      return take(first.boot.pc.capture());
    },
    console: () => first.boot.shown,
  });
  const base = await saved(keeper);
  // Zeros are no part of it: most of the 32,768 pages.
  assert.ok(base.pages > 1000 && base.pages < 10_000, `${base.pages} pages`);

  await first.run(FILL);
  const filled = await saved(keeper);
  assert.ok(filled.pages > 2_000_000 / PAGE_BYTES, `${filled.pages} pages`);
  await first.run(COMMIT);
  const committed = await saved(keeper);
  assert.ok(committed.pages < base.pages / 3, `${committed.pages} pages`);
  assert.equal(keeper.isCurrent, true);
  context.diagnostic(`pages saved: ${base.pages}, ${filled.pages}, ${committed.pages}`);
  const said = await first.run(CHECK);
  assert.match(said, /^[0-9a-f]{64} {2}-\nkept\n0$/);
  await first.boot.pc.hold("the test looks at another one");

  const kept = await store.load();
  assert.ok(kept);
  const { devices, memory } = partsOf(kept.pages, MEMORY_BYTES, kept.deviceBytes);
  const second = await start(context, await first.disk.snapshot(), {
    restored: { state: devices, pages: memory },
  });
  assert.equal(await second.run(CHECK), said);
  assert.match(await second.run("cat /proc/uptime"), /^\d/);
});
