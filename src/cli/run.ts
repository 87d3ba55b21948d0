/** The command line of `npm run firmware`: understands the arguments, runs a command, says how it ended. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { ImageError } from "../image/image-error.js";
import { FirmwareError } from "../firmware/errors.js";
import { addFirmware } from "./add.js";
import type { Context } from "./context.js";
import { CommandError, UsageError } from "./errors.js";
import { listFirmware } from "./list.js";
import { removeFirmware } from "./remove.js";

const HELP = `Usage: npm run firmware -- COMMAND

  add FILE [options]   make a firmware of an OpenWrt file:
                         *-squashfs-rootfs.img[.gz]     a squashfs root
                         *-rootfs.tar.gz                a root tarball (needs squashfs-tools)
                         *-combined-squashfs.img[.gz]   a disk image; its squashfs partition is taken
                       for the target x86/generic or x86/legacy (32-bit)
    --name NAME        name of the firmware; made of the file's name when not given
    --title TEXT       what the page shows; the release in the image when not given
    --disk MIB         size of the router's disk, 1 to 1024, 96 when not given
    --force            replace a firmware of the same name
  bake NAME            boot the firmware once and keep the router that came out, so that
                       visitors have it in a second (needs zstd)
  list                 show the firmware of this project
  remove NAME          remove a firmware that was added
  --help               show this text

Open the page with ?firmware=NAME to start it.`;

const OPTIONS = {
  name: { type: "string" },
  title: { type: "string" },
  disk: { type: "string" },
  force: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} satisfies ParseArgsConfig["options"];

/**
 * @param args arguments behind `npm run firmware --`
 * @returns exit code: 0 done, 1 could not be done, 2 the arguments make no sense, 130 interrupted
 */
export async function run(args: string[], context: Context): Promise<number> {
  try {
    await dispatch(args, context);
    return 0;
  } catch (error) {
    if (context.signal.aborted) {
      context.printError("Interrupted; nothing was changed.");
      return 130;
    }
    if (!isExpected(error)) throw error;
    context.printError(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Ours, and the operating system's (no room, no permission), whose words are clear enough. */
function isExpected(error: unknown): error is Error {
  return (
    error instanceof CommandError ||
    error instanceof ImageError ||
    error instanceof FirmwareError ||
    (error instanceof Error && "syscall" in error)
  );
}

async function dispatch(args: string[], context: Context): Promise<void> {
  const { values, positionals } = parse(args);
  const [command, ...operands] = positionals;
  if (values.help) {
    context.print(HELP);
    return;
  }
  switch (command) {
    case "add": {
      const [file] = exactly(1, operands, "add takes one FILE");
      return addFirmware(file ?? "", values, context);
    }
    case "bake": {
      const [name] = exactly(1, operands, "bake takes one NAME");
      // The emulator comes with it, which nothing else here needs.
      const { bakeFirmware } = await import("./bake.js");
      return bakeFirmware(name ?? "", context);
    }
    case "list":
      exactly(0, operands, "list takes no argument");
      return listFirmware(context);
    case "remove": {
      const [name] = exactly(1, operands, "remove takes one NAME");
      return removeFirmware(name ?? "", context);
    }
    default:
      throw new UsageError(
        `${command === undefined ? "No command given" : `There is no command "${command}"`}: use add, bake, list or remove, or --help.`,
      );
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const said = error instanceof Error ? error.message.split(/[.\n]/)[0] : "";
    throw new UsageError(`${said ?? ""}. See npm run firmware -- --help.`);
  }
}

function exactly(count: number, operands: string[], sentence: string): string[] {
  if (operands.length !== count)
    throw new UsageError(`${sentence}, and ${operands.length} were given. See --help.`);
  return operands;
}
