import { hex } from "../common/bytes.js";
import { FirmwareError } from "./errors.js";

/**
 * @returns SHA-256 as 64 lower-case hex digits
 * @throws {FirmwareError} `insecure`: browsers offer `crypto.subtle` over https and on localhost only
 */
export async function sha256(bytes: BufferSource): Promise<string> {
  // The DOM's types know nothing of pages without it.
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (!subtle) throw new FirmwareError("insecure", "");
  return hex(new Uint8Array(await subtle.digest("SHA-256", bytes)));
}
