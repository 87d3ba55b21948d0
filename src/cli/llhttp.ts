import { createRequire } from "node:module";

/** llhttp.wasm. undici has it inside a script for Node; others get the bytes alone. */
export function llhttpWasm(): Uint8Array<ArrayBuffer> {
  const require = createRequire(import.meta.url);
  return new Uint8Array(require("undici/lib/llhttp/llhttp-wasm.js") as Uint8Array);
}
