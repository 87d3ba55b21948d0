/**
 * What the host says to its control shell in the router, and what that answers. The shell is a plain busybox ash that reads
 * its commands from a serial port; there is no other program of ours in the router, and nothing is left in its files.
 */
import { MachineError } from "./errors.js";
import type { Lane } from "./lanes.js";
import { CONTROL_NAME } from "./serial-layout.js";

/**
 * Typed on the console: starts the shell on the port of that name, wherever the kernel has it, and makes its device file
 * where nobody did. Has to stay below 512 characters (FEATURE_EDITING_MAX_LEN in OpenWrt's busybox). Of a line whose
 * beginning got lost nothing is run, for `done` is an error then.
 */
export const BOOTSTRAP =
  ` for p in /sys/class/virtio-ports/*;do read -r n <$p/name;[ "$n" = ${CONTROL_NAME} ]&&` +
  `{ IFS=: read -r a b <$p/dev;p=\${p##*/};[ -c /dev/$p ]||mknod /dev/$p c $a $b;` +
  `[ -c /dev/$p ]&&sh -s $p $a <>/dev/$p >&0 2>&0;};done`;

/**
 * Defines, in the shell that was started with the name and the major number of its port:
 *
 * `x STATUS STDOUT STDERR STDIN SCRIPT COMMAND` runs `sh -c COMMAND` on the ports of these numbers, /dev/null for an empty
 * STDIN; a command that is not given is read from the port SCRIPT. A process of its own waits for it and writes to the
 * status port: what the shell says of a signal that ended the command, and its status. The command gets a process group
 * (`set -m`), which can be signalled as a whole, and in which SIGINT is not ignored. `$P` and the number of the status port
 * name the group. `f STATUS` says that there is no device. When the shell is killed, its port is closed as soon as each
 * process that it started has opened its status port.
 *
 * `q ID SCRIPT` runs a script of the host's own that prints nothing, and says `d ID` and its status.
 *
 * A program costs an emulated router 10 to 50 ms, a fork 3: what the shell has built in is used instead.
 */
const SETUP = `set -m;D=/dev/\${1%p*}p M=$2
x(){ local s=$1 o=$D$2 e=$D$3 i=/dev/null c=$6 n
for n in $1 $2 $3 $4 $5;do [ -c $D$n ]||mknod $D$n c $M $n;[ -c $D$n ]||{ echo f $s;return;};done
[ -z "$4" ]||i=$D$4
[ -z "$5" ]||c=". $D$5"
{ exec <>$D$s >&0 2>&0;trap : HUP INT QUIT ABRT USR1 USR2 PIPE ALRM TERM;(exec sh -c "$c" <$i >$o 2>$e);echo $?;} &
eval P$s=$!;}
q(){ { eval "$2" </dev/null >/dev/null 2>&1;echo d $1 $?;} &
}
`;

/**
 * Longest command, in characters, that the control shell gets with its line: busybox needs some hundred instructions for
 * each character of a word whenever it passes it on, and a script is only read once.
 */
const TYPED_COMMAND = 2000;

/** Defines what the other lines use, and has the shell answer. */
export function setupLines(id: number): string {
  return `${SETUP}echo d ${id} 0\n`;
}

/** An empty word. */
const NONE = "''";

/** @throws {MachineError} no shell takes such a command */
export function checkCommand(command: string): void {
  if (command.includes("\0")) throw new MachineError("A command cannot contain NUL characters.");
}

/** Whether a command comes on the port for scripts. */
export function isScript(command: string): boolean {
  return command.length > TYPED_COMMAND;
}

/** @param hasInput whether the command reads from its lane; if not, it reads an empty input */
export function startLine(lane: Lane, command: string, hasInput: boolean): string {
  const { status, stdout, stderr, stdin, script } = lane;
  const ports = `${status.number} ${stdout.number} ${stderr.number}`;
  const input = hasInput ? stdin.number : NONE;
  return isScript(command)
    ? `x ${ports} ${input} ${script.number}\n`
    : `x ${ports} ${input} ${NONE} ${quote(command)}\n`;
}

/**
 * Sends a signal to all processes of a command.
 *
 * @param signal a name without SIG, or a number
 */
export function killLine(id: number, statusPort: number, signal: string): string {
  return `kill -${signal} -$P${statusPort} 2>/dev/null;echo d ${id} $?\n`;
}

/** Runs a script beside the shell; what it prints is dropped. */
export function scriptLine(id: number, script: string): string {
  return `q ${id} ${quote(script)}\n`;
}

/** Runs a script in the shell itself, which does nothing else meanwhile. */
export function inlineLine(id: number, script: string): string {
  return `{ ${script};} </dev/null >/dev/null 2>&1;echo d ${id} $?\n`;
}

/** A line that the shell printed. */
export type Answer =
  | { readonly type: "done"; readonly id: number; readonly status: number }
  | { readonly type: "failed"; readonly statusPort: number };

/** @returns `undefined` for what else a shell prints: jobs that ended, complaints */
export function parseAnswer(line: string): Answer | undefined {
  const [, id, status] = /^d (\d+) (\d+)$/.exec(line) ?? [];
  if (id !== undefined) return { type: "done", id: Number(id), status: Number(status) };
  const [, port] = /^f (\d+)$/.exec(line) ?? [];
  return port === undefined ? undefined : { type: "failed", statusPort: Number(port) };
}

/** A word of a shell that stands for a text. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
