/** The guest's side: a shell script that carries out operations and acknowledges each on the first console. */
import { apply, type Files, md5, type Operation } from "./operations.js";

/** A file of the ROM in every firmware, large enough to cut all content from. */
export const POOL_PATH = "/bin/busybox";

const SCRIPT_FILE = "/tmp/kill.sh";
const PLAN_FILE = "/tmp/kill.plan";
const ACKNOWLEDGEMENT = /@(ack|failed) (\d+) ([0-9a-f]{32}|none)@/g;

/** Only what busybox 1.28 of OpenWrt 18.06 and 1.35 of Debian both have: `dd conv=fsync`, no `fsync` applet. */
const SCRIPT = `
pool=/rom${POOL_PATH}
n=0
while read -r kind path a b; do
  [ -d "\${path%/*}/" ] || mkdir -p "\${path%/*}"
  case $kind in
    write) dd if=$pool of=$path bs=$a skip=$b count=1 conv=fsync ;;
    replace) dd if=$pool of=$path.new bs=$a skip=$b count=1 conv=fsync && mv -f $path.new $path && sync ;;
    patch) dd if=$pool of=$path bs=4096 seek=$a skip=$b count=1 conv=notrunc,fsync ;;
    large) i=0; while [ $i -lt $a ]; do cat $pool; i=$((i + 1)); done | dd of=$path bs=65536 conv=fsync ;;
    rename) mkdir -p "\${a%/*}/" && mv -f $path $a && sync; path=$a ;;
    delete) rm -f $path && sync ;;
  esac 2>/tmp/kill.err && word=ack || word=failed
  sum=none
  [ -f $path ] && sum=$(md5sum $path)
  echo "@$word $n \${sum%% *}@"
  n=$((n + 1))
done <${PLAN_FILE}
`;

/**
 * OpenWrt empties an overlay whose first boot did not come to its end (`/etc/init.d/done`): with the plug pulled before,
 * files are gone by the firmware's own doing. The demo has no such mark.
 *
 * @see fstools, libfstools/overlay.c: mount_overlay; FS_STATE_READY is 2
 */
const FIRST_BOOT_OVER =
  'while [ -e /lib/libfstools.so ] && [ "$(readlink /overlay/.fs_state)" != 2 ]; do sleep 1; done';

/** Runs one command in the router, as `Machine.exec` does. */
export type Exec = (
  command: string,
  stdin?: string,
) => Promise<{ stdout: string; exitCode: number }>;

/** Sets the guest going; it works on by itself. */
export async function startWriter(exec: Exec, operations: readonly Operation[]): Promise<void> {
  await exec(FIRST_BOOT_OVER);
  await exec(`cat >${SCRIPT_FILE}`, SCRIPT);
  await exec(`cat >${PLAN_FILE}`, operations.map(planLine).join(""));
  await exec(`sh ${SCRIPT_FILE} >/dev/ttyS0 2>&1 &`);
}

function planLine(operation: Operation): string {
  const { kind, path } = operation;
  switch (kind) {
    case "write":
    case "replace":
      return `${kind} ${path} ${operation.bytes} ${operation.part}\n`;
    case "patch":
      return `${kind} ${path} ${operation.at} ${operation.part}\n`;
    case "large":
      return `${kind} ${path} ${operation.times}\n`;
    case "rename":
      return `${kind} ${path} ${operation.to}\n`;
    case "delete":
      return `${kind} ${path}\n`;
  }
}

/**
 * Reads the acknowledgements out of what the console printed. They come in order, so one that the kernel's own
 * messages tore apart is made good by the next.
 */
export class Acknowledgements {
  #text = "";
  #files: Files;
  #count = 0;
  /** what the guest did that it should not have */
  readonly problems: string[] = [];

  constructor(
    before: Files,
    private readonly operations: readonly Operation[],
    private readonly pool: Buffer,
    private readonly onCount: (count: number) => void = () => undefined,
  ) {
    this.#files = before;
  }

  /** How many operations are acknowledged. */
  get count(): number {
    return this.#count;
  }

  receive(text: string): void {
    this.#text += text;
    let end = 0;
    for (const match of this.#text.matchAll(ACKNOWLEDGEMENT)) {
      const [whole, word, number = "", sum = ""] = match;
      end = match.index + whole.length;
      this.#acknowledge(Number(number), sum, word === "failed");
    }
    this.#text = this.#text.slice(end).slice(-4096);
  }

  #acknowledge(number: number, sum: string, failed: boolean): void {
    for (const operation of this.operations.slice(this.#count, number + 1))
      this.#files = apply(this.#files, operation, this.pool);
    this.#count = number + 1;
    const operation = this.operations[number];
    if (!operation) return;
    const path = operation.kind === "rename" ? operation.to : operation.path;
    const wanted = md5(this.#files.get(path));
    if (failed || sum !== wanted)
      this.problems.push(
        `operation ${number} (${planLine(operation).trim()}) ${failed ? "failed" : `gave ${sum} instead of ${wanted}`} in the router`,
      );
    this.onCount(this.#count);
  }
}
