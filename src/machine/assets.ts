/** The parts of the emulated PC that every machine shares: v86's WebAssembly, and the BIOS, which only a boot needs. Each is fetched once a page. */
import { MachineError } from "./errors.js";

/**
 * Directory of v86.wasm below the assets. Its name carries the version, so that it can be cached for ever, and the
 * build checks that this version is the installed one: v86.ts is written for its internals.
 */
export const V86_DIRECTORY = "v86-0.5.462";

export interface Bios {
  readonly bios: ArrayBuffer;
  readonly vgaBios: ArrayBuffer;
}

/**
 * @param assets URL of the directory that the build calls `playground/`
 * @throws {MachineError} it is missing or damaged
 */
export const loadEmulator = once((assets) =>
  fetchWasm(new URL(`${V86_DIRECTORY}/v86.wasm`, assets)),
);

/**
 * @param assets as above
 * @throws {MachineError} a part is missing
 */
export const loadBios = once(async (assets): Promise<Bios> => {
  const [bios, vgaBios] = await Promise.all([
    bytes(new URL("kernels/seabios/bios.bin", assets)),
    bytes(new URL("kernels/seabios/vgabios-stdvga.bin", assets)),
  ]);
  return { bios, vgaBios };
});

/** Loads a thing once for every directory; a failure is not kept: the next start tries again. */
function once<T>(load: (assets: URL) => Promise<T>): (assets: URL) => Promise<T> {
  const loaded = new Map<string, Promise<T>>();
  return (assets) => {
    let thing = loaded.get(assets.href);
    if (!thing) {
      thing = load(assets);
      loaded.set(assets.href, thing);
      thing.catch(() => loaded.delete(assets.href));
    }
    return thing;
  };
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
