/**
 * A program whose router writes numbered files and syncs until it is killed, and says after each time which one it was:
 * `writer OVERLAYS OVERLAY`. First it says what it found.
 */
import { demo } from "../machines.js";

/** How many files there are, written in turn. */
const FILES = 4;
/** Prints each file's number, or its name when it is not whole; and what the kernel complains of. */
const LOOK = `for file in /root/file?; do
  [ -e $file ] || continue
  number=$(tail -n 1 $file)
  if [ "$( (cat /bin/busybox; echo; echo $number) | md5sum)" = "$(md5sum <$file)" ]
  then echo $number; else echo $file; fi
done
dmesg | grep -i "EXT4-fs error"; true`;

/** What a router found. */
export interface Found {
  /** of the files that are whole */
  readonly numbers: readonly number[];
  /** names of the others, and complaints */
  readonly damaged: readonly string[];
}

const [overlays = "", overlay = ""] = process.argv.slice(2);
const machine = await demo({ overlay, overlays });
await machine.start();
const sh = async (command: string) => (await machine.exec(command)).stdout.trim();

const lines = (await sh(LOOK)).split("\n").filter((line) => line !== "");
const numbers = lines.filter((line) => /^\d+$/.test(line)).map(Number);
const damaged = lines.filter((line) => !/^\d+$/.test(line));
console.log(JSON.stringify({ numbers, damaged } satisfies Found));

for (let number = Math.max(0, ...numbers) + 1; ; number++) {
  await sh(`(cat /bin/busybox; echo; echo ${number}) >/root/file${number % FILES} && sync`);
  console.log(number);
}
