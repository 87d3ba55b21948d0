/** Sees to it that the built site has the demo's factory state, which git does not keep. */
import { spawn } from "node:child_process";
import { withFactoryState } from "../../src/cli/factory-shelf.js";
import { DEMO, readShelf } from "../../src/cli/shelf.js";
import { installDebianPackages } from "./chromium.js";
import { ROOT } from "./paths.js";
import { onPath } from "./tools.js";

/**
 * Bakes the demo and publishes it when there is no factory state that fits kernel, root and PC; takes a minute or two
 * then. Never rejects: without one the page boots the router.
 *
 * @returns whether there is one now
 */
export async function ensureDemoFactory(print: (line: string) => void): Promise<boolean> {
  try {
    const demo = (await readShelf(ROOT)).find(({ name }) => name === DEMO);
    if (!demo) return false;
    if ((await withFactoryState(ROOT, demo)).factory) return true;
    // It would be missed at the very end, after the boot.
    if (!onPath("zstd")) installZstd();
    await bake();
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    print(`The demo has no factory state, so that its first visit takes a boot: ${why}`);
    return false;
  }
}

function installZstd(): void {
  if (process.getuid?.() !== 0 || !onPath("apt-get"))
    throw new Error("The program zstd is missing. Install it: apt-get install zstd");
  installDebianPackages(["zstd"]);
}

/** A process of its own, for the emulator's memory is not wanted any longer than that. */
function bake(): Promise<void> {
  const args = ["--import", "tsx", "src/cli/main.ts", "bake", DEMO];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error("it could not be made.")),
    );
  });
}
