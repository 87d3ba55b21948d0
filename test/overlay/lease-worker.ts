/** Holds an overlay in a worker until it is told to let go, or killed. */
import type { OverlayNames } from "../../src/overlay/identity.js";
import { type OverlayLease, takeLease } from "../../src/overlay/lease.js";

let lease: OverlayLease | undefined;

onmessage = async ({ data }: MessageEvent<OverlayNames | "release">) => {
  if (data === "release") return lease?.release();
  lease = await takeLease(data, { page: { title: "A worker's page", path: "/worker" } });
  postMessage("held");
};
