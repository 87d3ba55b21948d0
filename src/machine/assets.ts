/** The parts of the emulated PC that every machine shares: v86's WebAssembly and the BIOS. Fetched once a page. */
import { MachineError } from "./errors.js";

/**
 * Directory of v86.wasm below the assets. Its name carries the version, so that it can be cached for ever, and the
 * build checks that this version is the installed one: v86.ts is written for its internals.
 */
export const V86_DIRECTORY = "v86-0.5.462";

export interface PcParts {
  readonly wasm: WebAssembly.Module;
  readonly bios: ArrayBuffer;
  readonly vgaBios: ArrayBuffer;
}

const loaded = new Map<string, Promise<PcParts>>();

/**
 * @param assets URL of the directory that the build calls `playground/`
 * @throws {MachineError} a part is missing or damaged
 */
export function loadPcParts(assets: URL): Promise<PcParts> {
  let parts = loaded.get(assets.href);
  if (!parts) {
    parts = load(assets);
    loaded.set(assets.href, parts);
    // A failure is not kept: the next start tries again.
    parts.catch(() => loaded.delete(assets.href));
  }
  return parts;
}

async function load(assets: URL): Promise<PcParts> {
  const [wasm, bios, vgaBios] = await Promise.all([
    fetchWasm(new URL(`${V86_DIRECTORY}/v86.wasm`, assets)),
    bytes(new URL("kernels/seabios/bios.bin", assets)),
    bytes(new URL("kernels/seabios/vgabios-stdvga.bin", assets)),
  ]);
  return { wasm, bios, vgaBios };
}

/** @throws {MachineError} it is missing or damaged */
export async function fetchWasm(url: URL): Promise<WebAssembly.Module> {
  const response = await get(url);
  try {
    // Streaming wants the type application/wasm, which not every static host sends.
    return response.headers.get("content-type") === "application/wasm"
      ? await WebAssembly.compileStreaming(response)
      : await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    throw new MachineError(
      "The emulator could not be started: this browser refuses WebAssembly, or the download was damaged. Reload the page.",
      [],
      { cause },
    );
  }
}

async function bytes(url: URL): Promise<ArrayBuffer> {
  return (await get(url)).arrayBuffer();
}

async function get(url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new MachineError(
      "The emulator could not be downloaded. Check the network connection and try again.",
      [],
      { cause },
    );
  }
  if (!response.ok)
    throw new MachineError(
      `The emulator's file ${url.pathname} is missing on this site (HTTP ${response.status}). Reload the page, or tell whoever runs the site.`,
    );
  return response;
}
