/** The other end of host-calls.ts: what the main thread does for one worker. */
import type { MessagePort } from "node:worker_threads";
import { nodeEndpoint } from "../../common/endpoint.js";
import { type Handlers, serve } from "../../common/rpc.js";
import { StorageError } from "../../disk/errors.js";
import { ERRORS } from "../../machine/error-codec.js";
import { toStorageError } from "./files.js";
import type { HostCalls } from "./host-calls.js";
import { type FolderHolder, type FolderLease, leaseFolder } from "./lease.js";
import type { MachineFiles } from "./machine-files.js";
import { folderOfOverlay } from "./overlay-folder.js";

export interface WorkerServices {
  /** The worker has ended. @returns when what was leased for it is free */
  end(): Promise<void>;
}

/**
 * @param wasm compiles a file, once for all workers
 * @param overlays their folder
 */
export function serveWorker(
  port: MessagePort,
  files: MachineFiles,
  wasm: (path: string) => Promise<WebAssembly.Module>,
  overlays: string | undefined,
): WorkerServices {
  const ended = new AbortController();
  /** the last one that was asked for */
  let lease: Promise<FolderLease | FolderHolder | undefined> = Promise.resolve(undefined);

  const release = async () => {
    const held = await lease.catch(() => undefined);
    if (held && "release" in held) await held.release();
  };
  const handlers: Handlers<HostCalls> = {
    firmware: (name) => files.firmware(name),
    async bios() {
      const [bios, vgaBios] = await Promise.all([
        files.read("kernels/seabios/bios.bin"),
        files.read("kernels/seabios/vgabios-stdvga.bin"),
      ]);
      return { bios, vgaBios };
    },
    wasm,
    async lease({ identity, wait }) {
      if (overlays === undefined) throw new StorageError("unavailable");
      const folder = folderOfOverlay(overlays, identity);
      const attempt = leaseFolder(folder, { wait, signal: ended.signal });
      lease = attempt;
      const answer = await attempt.catch((error: unknown) => {
        throw toStorageError(error);
      });
      return "release" in answer ? undefined : answer;
    },
    release,
  };
  serve<HostCalls>(nodeEndpoint(port), handlers, ERRORS);
  // The worker itself is what a program waits for.
  port.unref();
  return {
    async end() {
      ended.abort(new StorageError("failed", { cause: "The worker has ended." }));
      port.close();
      await release().catch(() => undefined);
    },
  };
}
