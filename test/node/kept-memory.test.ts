/** A real router's memory, saved by what changed and gone on from in another PC. In Node, with the machine's own code. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { MachineError } from "../../src/machine/errors.js";
import { MemoryKeeper } from "../../src/machine/memory-keeper.js";
import { MEMORY_BYTES, pcWith } from "../../src/machine/pc-identity.js";
import { type Page, partsOf } from "../../src/snapshot/memory-image.js";
import type { KeptMemory, MemorySave, MemoryStore } from "../../src/snapshot/memory-store.js";
import { PAGE_BYTES } from "../../src/snapshot/shared-pages.js";
import { type RouterOptions, startRouter } from "./booted-router.js";

/** Longer than any step takes on a busy computer, in milliseconds. */
const STEP_MS = 300_000;
/** In tmpfs, that is in memory alone; a program that runs; a setting on the disk. */
const FILL = `head -c 2000000 /dev/urandom >/tmp/data; sha256sum </tmp/data
sleep 100000 >/dev/null 2>&1 & echo $! >/tmp/pid`;
const COMMIT = `uci set system.@system[0].hostname=kept; uci commit; sync`;
const CHECK = `sha256sum </tmp/data; kill -0 $(cat /tmp/pid) && uci get system.@system[0].hostname
dmesg | grep -ciE 'bug|oops|segfault|ext4.*error'`;

async function start(context: TestContext, options: RouterOptions = {}) {
  const router = await startRouter(options);
  context.after(() => router.end());
  await router.shell;
  const run = async (command: string) => {
    const { stdout, stderr } = await router.boot.shell.exec(command, { timeout: STEP_MS });
    return (stdout + stderr).trim();
  };
  return { ...router, run };
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
  const first = await start(context);
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
  const second = await start(context, {
    chunks: await first.disk.snapshot(),
    from: { restored: { state: devices, pages: memory } },
  });
  assert.equal(await second.run(CHECK), said);
  assert.match(await second.run("cat /proc/uptime"), /^\d/);
});
