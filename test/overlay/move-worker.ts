/** Opens an overlay in a worker, so that a test can kill it in the middle. */
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import type { OverlayIdentity } from "../../src/overlay/identity.js";
import { openOverlayStore } from "../../src/overlay/overlay-store.js";

onmessage = async ({ data }: MessageEvent<OverlayIdentity>) => {
  postMessage("begun");
  await openOverlayStore(data, CHUNK_BYTES);
  postMessage("open");
};
