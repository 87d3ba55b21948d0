/** What TypeScript is told of the package: of the element and of `openwrt-playground/node`. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { NODE_DIST, ROOT } from "./paths.js";

/** @throws {Error} the types of what the package exports are wrong */
export function buildTypes(): void {
  const outDir = `${NODE_DIST}types`;
  rmSync(outDir, { recursive: true, force: true });
  const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.types.json", "--outDir", outDir], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("The package's types could not be made.");
}
