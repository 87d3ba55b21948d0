/**
 * A firmware of the project, switched on in Node with the machine's own code; what it writes stays in memory. Whoever
 * began it calls `boot.destroy()`; an abort of the signal does as well.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FirmwareManifest } from "../firmware/manifest.js";
import { Boot } from "../machine/boot.js";
import { COMMAND_LINE } from "../machine/command-line.js";
import type { FromWorker, RestoreMessage } from "../machine/messages.js";
import { MEMORY_BYTES } from "../machine/pc-identity.js";
import { LLHTTP_DIRECTORY } from "../network/llhttp.js";
import { CommandError } from "./errors.js";
import { folderOf } from "./shelf.js";

const LOOK_MS = 50;

export interface NodeBoot {
  readonly boot: Boot;
  /**
   * Waits for a stage of the boot, "shell", or "lease", when the page's PC has its address from the router.
   *
   * @returns whether it came in time
   * @throws {CommandError} the boot ended
   */
  readonly until: (what: string, milliseconds: number) => Promise<boolean>;
}

export interface NodeBootOptions {
  readonly project: string;
  readonly signal: AbortSignal;
  /** told of the boot's stages as they are reached */
  readonly print?: (line: string) => void;
  /** state to go on from, instead of booting */
  readonly restore?: RestoreMessage | undefined;
}

export async function bootInNode(
  manifest: FirmwareManifest,
  { project, signal, print = () => undefined, restore }: NodeBootOptions,
): Promise<NodeBoot> {
  const seen = new Set<string>();
  let over: FromWorker | undefined;
  const file = (...path: string[]) => bytesOf(join(project, ...path));
  const boot = await Boot.start(
    {
      wasm: await compiled(join(project, "node_modules/v86/build/v86.wasm")),
      boot: restore
        ? undefined
        : {
            bios: await file("kernels/seabios/bios.bin"),
            vgaBios: await file("kernels/seabios/vgabios-stdvga.bin"),
            kernel: await file("kernels", manifest.kernel.name, "bzImage"),
          },
      root: await bytesOf(join(folderOf(project, manifest.name), manifest.root.file)),
      commandLine: COMMAND_LINE,
      memoryBytes: MEMORY_BYTES,
      kernel: manifest.kernel.sha256,
      identity: { overlay: "", root: manifest.root.sha256, diskBytes: manifest.diskBytes },
      stored: false,
      saving: false,
      memory: undefined,
      restore,
      wan: false,
      reset: false,
      assets: "",
    },
    {
      post(message) {
        if (message.type === "shell") seen.add("shell");
        if (message.type === "stage") {
          seen.add(message.stage);
          print(`  ${message.stage}`);
        }
        if (message.type === "network" && message.status.phase === "leased") seen.add("lease");
        if (message.type === "ended" || message.type === "failed" || message.type === "unfit")
          over = message;
      },
      loadWasm: (path) => loadWasm(project, path),
    },
  );
  // Ends whatever waits for the router, and the emulator's timers, which would keep Node alive.
  signal.addEventListener("abort", () => boot.destroy(), { once: true });
  const until = async (what: string, milliseconds: number) => {
    const giveUp = performance.now() + milliseconds;
    while (!seen.has(what)) {
      signal.throwIfAborted();
      if (over) throw new CommandError(`The router did not come up: ${JSON.stringify(over)}`);
      if (performance.now() > giveUp) return false;
      await sleep(LOOK_MS);
    }
    return true;
  };
  return { boot, until };
}

async function compiled(path: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await bytesOf(path));
}

async function bytesOf(path: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(path)).buffer;
}

/** The files that the build puts below `playground/`, from where they come from. */
function loadWasm(project: string, path: string): Promise<WebAssembly.Module> {
  if (!path.startsWith(LLHTTP_DIRECTORY)) return compiled(join(project, path));
  const require = createRequire(import.meta.url);
  return WebAssembly.compile(
    new Uint8Array(require("undici/lib/llhttp/llhttp-wasm.js") as Uint8Array),
  );
}
