/**
 * A program that takes a folder again and again and makes sure that nobody else has it meanwhile:
 * `lease FOLDER TIMES`; with 0 it keeps the folder until it is killed.
 */
import { openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { leaseFolder } from "../../../src/host/node/lease.js";

const [folder = "", times = ""] = process.argv.slice(2);
const inside = join(folder, "inside");
for (let left = Number(times); ; left--) {
  const lease = await leaseFolder(folder, { wait: 120_000 });
  if (!("release" in lease)) throw new Error("It was never free.");
  // Fails when it is there.
  openSync(inside, "wx");
  console.log("inside");
  if (Number(times) === 0) await sleep(1_000_000);
  await sleep(Math.random() * 4);
  rmSync(inside);
  await lease.release();
  if (left <= 1) break;
}
