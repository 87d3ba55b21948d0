/**
 * v86 as it comes, with its own disk in memory, for comparison: same kernel, same root, same shell protocol.
 * Messages in: the files, then commands. Out: "ready", then the exit status of each command.
 */
import { V86, type V86Options } from "v86";
import { RouterShell } from "../src/machine/shell.js";

export interface StockStart {
  readonly wasm: ArrayBuffer;
  readonly bios: ArrayBuffer;
  readonly vgaBios: ArrayBuffer;
  readonly kernel: ArrayBuffer;
  readonly root: ArrayBuffer;
  readonly commandLine: string;
  readonly diskBytes: number;
}

interface Bus {
  bus: { send(name: string, bytes: Uint8Array): void };
}

let shell: RouterShell | undefined;

onmessage = ({ data }: MessageEvent<StockStart | string>) => {
  if (typeof data === "string")
    void shell?.exec(data).then(({ exitCode }) => postMessage(exitCode));
  else void start(data);
};

async function start(files: StockStart): Promise<void> {
  const disk = new Uint8Array(files.diskBytes);
  disk.set(new Uint8Array(files.root));
  const module = await WebAssembly.compile(files.wasm);
  const emulator = new V86({
    wasm_fn: async (imports) => (await WebAssembly.instantiate(module, imports)).exports,
    bios: { buffer: files.bios },
    vga_bios: { buffer: files.vgaBios },
    bzimage: { buffer: files.kernel },
    hda: { buffer: disk.buffer },
    cmdline: files.commandLine,
    memory_size: 128 * 1024 * 1024,
    net_device: { type: "virtio" },
    virtio_console: true as unknown as NonNullable<V86Options["virtio_console"]>,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    autostart: true,
  });
  const encoder = new TextEncoder();
  // The lines typed here are shorter than one buffer of the virtio console.
  shell = new RouterShell((text) =>
    (emulator as unknown as Bus).bus.send("virtio-console0-input-bytes", encoder.encode(text)),
  );
  const answering = shell;
  emulator.add_listener("virtio-console0-output-bytes", (bytes) => answering.receive(bytes));
  await shell.connect();
  postMessage("ready");
}
