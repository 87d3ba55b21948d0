/**
 * v86 as it comes, with its own disk in memory and its own network, for comparison: same kernel, same root, same shell
 * protocol. Each message in has one answer: "ready", the exit status of a command, the length of a web server's answer, or an error.
 */
import { V86, type V86Options } from "v86";
import { RouterShell } from "./stock-shell.js";
import { type StockAdapter, stockRequest } from "./stock-http.js";

export type StockMessage =
  | StockStart
  | { readonly type: "run"; readonly command: string }
  | { readonly type: "request"; readonly path: string; readonly uploadBytes: number };

export interface StockStart {
  readonly type: "start";
  readonly wasm: ArrayBuffer;
  readonly bios: ArrayBuffer;
  readonly vgaBios: ArrayBuffer;
  readonly kernel: ArrayBuffer;
  readonly root: ArrayBuffer;
  readonly commandLine: string;
  readonly diskBytes: number;
}

interface Internals {
  readonly bus: { send(name: string, bytes: Uint8Array): void };
  readonly network_adapter: StockAdapter;
}

/** Where the demo router and OpenWrt have their LAN, and a neighbour in it. */
const NETWORK = { vm_ip: "192.168.1.1", router_ip: "192.168.1.2" };

let shell: RouterShell;
let emulator: V86 & Internals;

onmessage = ({ data }: MessageEvent<StockMessage>) => {
  answer(data).then(postMessage, (error: unknown) => postMessage(String(error)));
};

async function answer(message: StockMessage): Promise<number | "ready"> {
  if (message.type === "start") return start(message);
  if (message.type === "run") return (await shell.exec(message.command)).exitCode;
  return stockRequest(emulator.network_adapter, message.path, message.uploadBytes);
}

async function start(files: StockStart): Promise<"ready"> {
  const disk = new Uint8Array(files.diskBytes);
  disk.set(new Uint8Array(files.root));
  const module = await WebAssembly.compile(files.wasm);
  emulator = new V86({
    wasm_fn: async (imports) => (await WebAssembly.instantiate(module, imports)).exports,
    bios: { buffer: files.bios },
    vga_bios: { buffer: files.vgaBios },
    bzimage: { buffer: files.kernel },
    hda: { buffer: disk.buffer },
    cmdline: files.commandLine,
    memory_size: 128 * 1024 * 1024,
    net_device: { type: "virtio", relay_url: "fetch", ...NETWORK },
    virtio_console: true as unknown as NonNullable<V86Options["virtio_console"]>,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    autostart: true,
  }) as V86 & Internals;
  const encoder = new TextEncoder();
  // The lines typed here are shorter than one buffer of the virtio console.
  shell = new RouterShell((text) =>
    emulator.bus.send("virtio-console0-input-bytes", encoder.encode(text)),
  );
  emulator.add_listener("virtio-console0-output-bytes", (bytes) => shell.receive(bytes));
  await shell.connect();
  return "ready";
}
