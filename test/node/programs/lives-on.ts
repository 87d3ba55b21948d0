/** A program that has nothing to do but a machine. */
import { demo } from "../machines.js";

const machine = await demo();
await machine.start();
console.log("running");
// Not awaited: if the machine did not keep the program alive, that would be its end.
void machine.exec("sleep 2").then(async () => {
  console.log("its router answered");
  await machine.destroy();
  // Its output is all that is open.
  const open = process.getActiveResourcesInfo().filter((name) => !/^(Pipe|TTY)Wrap$/.test(name));
  console.log(open.length === 0 ? "nothing is left" : open.join());
});
