import type { LayeredDisk } from "../disk/layered-disk.js";
import type { Pc } from "./v86.js";

/**
 * Runs `take` while the router stands still at a moment that a state can be made of: its CPU idles, nothing is under
 * way on the disk's channel, and all that it wrote is stored. It goes on afterwards.
 *
 * @throws {MachineError} the router is too busy; or what `take` throws
 */
export async function whileStill<T>(
  pc: Pick<Pc, "stopIdle" | "resume">,
  disk: Pick<LayeredDisk, "flush" | "flushed">,
  take: () => T | Promise<T>,
): Promise<T> {
  try {
    for (;;) {
      await disk.flush();
      await pc.stopIdle();
      // Else something was written before it idled: its memory belongs to a disk that is not stored yet.
      if (disk.flushed) return await take();
      void pc.resume();
    }
  } finally {
    void pc.resume();
  }
}
