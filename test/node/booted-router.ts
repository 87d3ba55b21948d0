/** The demo, switched on in this very thread, for tests of what only a real router can show. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../scripts/lib/paths.js";
import { DEMO, folderOf, readShelf } from "../../src/cli/shelf.js";
import { REAL_CLOCK } from "../../src/common/clock.js";
import { CHUNK_BYTES, type Chunks } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { memoryChunkStore } from "../../src/disk/memory-chunk-store.js";
import { Boot, type BootOptions } from "../../src/machine/boot.js";

const POLL_MS = 100;

export interface Router {
  readonly boot: Boot;
  readonly disk: LayeredDisk;
  /** Resolves when a shell answers. */
  readonly shell: Promise<void>;
  /** Ends it, and everything that waits for it. */
  end(): void;
}

export interface RouterOptions {
  /** what its disk holds beyond the image */
  readonly chunks?: Chunks;
  /** what it goes on from; default: it boots */
  readonly from?: BootOptions["from"];
}

/** Whatever is written is kept in memory, as if a browser had stored it. */
export async function startRouter({ chunks, from }: RouterOptions = {}): Promise<Router> {
  const demo = (await readShelf(ROOT)).find(({ name }) => name === DEMO);
  if (!demo) throw new Error("There is no demo.");
  const root = new Uint8Array(await readFile(join(folderOf(ROOT, DEMO), demo.root.file)));
  const store = { ...memoryChunkStore(), durability: "strict" as const };
  if (chunks) await store.commit(chunks);
  const disk = await LayeredDisk.open({
    base: new ImageLayer(root, demo.diskBytes),
    store,
    chunkBytes: CHUNK_BYTES,
  });
  const boot = new Boot({
    ...{ clock: REAL_CLOCK, disk, failsafe: false, wan: false },
    from: from ?? { parts: await bootParts(demo.kernel.name) },
    emulator: await WebAssembly.compile(await file("node_modules/v86/build/v86.wasm")),
    // It has no network.
    loadWasm: () => new Promise(() => undefined),
    on: {
      output: () => undefined,
      stage: () => undefined,
      network: () => undefined,
      unplugged: () => undefined,
    },
  });
  return { boot, disk, shell: boot.ready, end: () => boot.end(new Error("The test is over.")) };
}

async function bootParts(kernel: string) {
  return {
    bios: (await file("kernels/seabios/bios.bin")).buffer,
    vgaBios: (await file("kernels/seabios/vgabios-stdvga.bin")).buffer,
    kernel: (await file(`kernels/${kernel}/bzImage`)).buffer,
  };
}

async function file(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(join(ROOT, path)));
}

/** Resolves when something is so; the test's own timeout ends it else. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(POLL_MS);
}

export function md5(content: string | Uint8Array): string {
  return createHash("md5").update(content).digest("hex");
}
