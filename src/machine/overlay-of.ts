import type { FirmwareSource } from "../firmware/source.js";
import type { OverlayIdentity } from "../overlay/identity.js";

/** @param overlay name of a machine's overlay; `null` has one that is stored nowhere */
export function overlayOf(
  overlay: string | null,
  { manifest, identity }: FirmwareSource,
): OverlayIdentity {
  const { root, former, title } = identity;
  return { overlay: overlay ?? "copy", root, former, title, diskBytes: manifest.diskBytes };
}
