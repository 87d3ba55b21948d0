import { spawnSync } from "node:child_process";

/** Whether a program can be run by its name. */
export function onPath(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v "$1"`, "sh", program]).status === 0;
}
