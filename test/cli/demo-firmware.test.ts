/**
 * The demo firmware's own programs, run on this machine from its squashfs: images/demo/test/*.sh. They make mounts in a
 * namespace of their own, which takes root.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { ROOT } from "../../scripts/lib/paths.js";

const skip = process.getuid?.() !== 0 && "needs root";

for (const [name, what] of [
  ["uci", "uci keeps to OpenWrt's, and damages no file"],
  ["system", "scripts and busybox keep OpenWrt's manners"],
] as const)
  test(`demo firmware: ${what}`, { skip }, () => {
    const { status, stdout, stderr } = spawnSync(`${ROOT}images/demo/test/${name}.sh`, {
      encoding: "utf8",
    });
    const counted = new RegExp(`^${name}: ([1-9]\\d*) passed, 0 failed$`, "m");
    assert.match(stdout, counted, stdout + stderr);
    assert.equal(status, 0, stdout + stderr);
  });
