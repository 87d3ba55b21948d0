/** A program that runs one command in a router and prints what came of it: `exec OVERLAYS OVERLAY COMMAND`. */
import { StorageError } from "../../../src/disk/errors.js";
import { demo } from "../machines.js";

const [overlays = "", overlay = "", command = ""] = process.argv.slice(2);
const machine = await demo({ overlay, overlays });
try {
  await machine.start();
  process.stdout.write((await machine.exec(command)).stdout);
} catch (error) {
  if (!(error instanceof StorageError)) throw error;
  console.log(`StorageError: ${error.problem}`);
  process.exitCode = 1;
} finally {
  await machine.destroy();
}
