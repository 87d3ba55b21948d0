/**
 * A firmware's first boot in Node, with the machine's own code, up to the moment when nothing is left to be done: every
 * service started, web pages computed once, memory tidy.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FirmwareManifest } from "../firmware/manifest.js";
import { Boot } from "../machine/boot.js";
import { COMMAND_LINE } from "../machine/command-line.js";
import type { Chunks, FromWorker } from "../machine/messages.js";
import { MEMORY_BYTES } from "../machine/pc-identity.js";
import { LLHTTP_DIRECTORY } from "../network/llhttp.js";
import type { Context } from "./context.js";
import { CommandError } from "./errors.js";
import { folderOf } from "./shelf.js";
import { warmWeb } from "./warm-web.js";

const BOOT_MS = 300_000;
/** How long the services may take after the router says that it is up. */
const SETTLE_MS = 30_000;
/**
 * Drops what can be read again: the kernel clears what it frees (command-line.ts), and zeros cost nothing in a state.
 * What the shell and the first commands need is read again then: it is little, and they would take seconds without.
 */
const TIDY = "sync; echo 3 >/proc/sys/vm/drop_caches";
const REREAD = `uci show >/dev/null; ls -l / /etc/config >/dev/null; cat /etc/banner /etc/profile >/dev/null
ip addr >/dev/null; ps >/dev/null; df >/dev/null; free >/dev/null; logread 2>/dev/null | tail -1 >/dev/null; true`;

/** @throws {CommandError} it does not come up */
export async function finishFirstBoot(
  manifest: FirmwareManifest,
  { project, print, signal }: Context,
): Promise<{ state: ArrayBuffer; chunks: Chunks }> {
  const seen = new Set<string>();
  let over: FromWorker | undefined;
  const file = (...path: string[]) => bytesOf(join(project, ...path));
  const boot = await Boot.start(
    {
      wasm: await compiled(join(project, "node_modules/v86/build/v86.wasm")),
      bios: await file("kernels/seabios/bios.bin"),
      vgaBios: await file("kernels/seabios/vgabios-stdvga.bin"),
      kernel: await file("kernels", manifest.kernel.name, "bzImage"),
      root: await bytesOf(join(folderOf(project, manifest.name), manifest.root.file)),
      commandLine: COMMAND_LINE,
      memoryBytes: MEMORY_BYTES,
      diskBytes: manifest.diskBytes,
      firmware: "",
      overlay: undefined,
      saving: false,
      memory: undefined,
      restore: undefined,
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
        if (message.type === "network" && message.status.phase !== "searching") seen.add("network");
        if (message.type === "ended" || message.type === "failed") over = message;
      },
      loadWasm: (path) => loadWasm(project, path),
    },
  );
  const until = async (what: string, milliseconds: number) => {
    const giveUp = performance.now() + milliseconds;
    while (!seen.has(what)) {
      signal.throwIfAborted();
      if (over) throw new CommandError(`The router did not come up: ${JSON.stringify(over)}`);
      if (performance.now() > giveUp) return false;
      await sleep(200);
    }
    return true;
  };
  if (!(await until("shell", BOOT_MS)))
    throw new CommandError(`${manifest.name} shows no shell within ${BOOT_MS / 1000} s.`);
  if (!(await until("ready", BOOT_MS)))
    print("  it never says that it has finished booting; taken as it is");
  await until("network", SETTLE_MS);
  print("  asking for the web pages once");
  await warmWeb(boot, print, signal);
  print("  tidying its memory");
  for (const command of [TIDY, REREAD]) await boot.exec(command);
  await warmWeb(boot, print, signal);
  print("  saving its memory");
  await boot.exec("sync");
  const { state } = await boot.save();
  const chunks = await boot.chunks();
  boot.destroy();
  return { state, chunks };
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
