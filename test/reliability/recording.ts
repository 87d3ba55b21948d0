/** Runs a real router in Node and records, in order, what its disk committed and which operations it acknowledged. */
import { readFileSync } from "node:fs";
import { ROOT } from "../../scripts/lib/paths.js";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { ImageLayer } from "../../src/disk/image-layer.js";
import { LayeredDisk } from "../../src/disk/layered-disk.js";
import { deferred } from "../../src/common/deferred.js";
import { TRIM_AT_ONCE } from "../../src/machine/boot.js";
import { COMMAND_LINE } from "../../src/machine/command-line.js";
import { ControlShell } from "../../src/machine/control-shell.js";
import { Pc } from "../../src/machine/v86.js";
import type { TestFirmware } from "./firmware.js";
import { type Operation, plan } from "./operations.js";
import type { Random } from "./random.js";
import { type Commit, recordingStore } from "./recording-store.js";
import { Acknowledgements, startWriter } from "./writer.js";

const MEMORY_BYTES = 128 * 1024 * 1024;

export interface Recording {
  readonly commits: readonly Commit[];
  readonly operations: readonly Operation[];
  /** how many commits were complete when each operation's acknowledgement arrived */
  readonly acknowledged: readonly number[];
  /** how many commits were complete when the first boot was over */
  readonly booted: number;
  /** what the guest reported as wrong */
  readonly problems: readonly string[];
}

/**
 * @param count how many operations the guest carries out
 * @param giveUpMs after how many milliseconds the recording ends with what there is
 * @param flushless whether the drive says at once that its write cache is stored
 */
export async function record(
  firmware: TestFirmware,
  random: Random,
  count: number,
  giveUpMs: number,
  flushless = false,
): Promise<Recording> {
  const commits: Commit[] = [];
  const acknowledged: number[] = [];
  const operations = plan(random, firmware.rom, firmware.pool, count);
  const done = deferred();
  const acks = new Acknowledgements(firmware.rom, operations, firmware.pool, (so) => {
    while (acknowledged.length < so) acknowledged.push(commits.length);
    if (so === count) done.resolve();
  });

  const decoder = new TextDecoder();
  const base = new ImageLayer(firmware.root, firmware.diskBytes);
  const disk = await LayeredDisk.open({
    base,
    store: recordingStore((offset, into) => base.copy(offset, into), CHUNK_BYTES, random, commits),
    chunkBytes: CHUNK_BYTES,
    onStall: (error) => done.reject(error),
  });
  if (flushless) Object.defineProperty(disk, "flushed", { value: true });
  const shell = new ControlShell();
  const pc: Pc = new Pc({
    wasm: await WebAssembly.compile(file("node_modules/v86/build/v86.wasm")),
    boot: {
      bios: file("kernels/seabios/bios.bin"),
      vgaBios: file("kernels/seabios/vgabios-stdvga.bin"),
      kernel: file(`kernels/${firmware.kernelName}/bzImage`),
    },
    commandLine: COMMAND_LINE,
    memoryBytes: MEMORY_BYTES,
    disk,
    restored: undefined,
    on: {
      serial: (bytes) => acks.receive(decoder.decode(bytes, { stream: true })),
      ports: (ports) => shell.attach(ports),
      frame: () => undefined,
      reboot: () => done.reject(new Error("The router rebooted.")),
      halt: () => done.reject(new Error("The router halted.")),
      error: (error) => done.reject(new Error(String(error), { cause: error })),
    },
  });
  setTimeout(() => done.resolve(), giveUpMs).unref();

  await Promise.race([shell.connect(), done.promise]);
  const booted = commits.length;
  await shell.status(TRIM_AT_ONCE);
  await startWriter((command, stdin) => shell.exec(command, { stdin }), operations);
  await done.promise;
  await pc.hold("recorded");
  return { commits, operations, acknowledged, booted, problems: acks.problems };
}

function file(path: string): ArrayBuffer {
  const bytes = readFileSync(ROOT + path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}
