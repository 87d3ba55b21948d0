/** The command cannot do what was asked. `message` is one sentence or two for the person at the terminal. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** The command line itself makes no sense. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";
}

/** A program that the command runs is not installed. */
export class MissingToolError extends CommandError {
  override readonly name = "MissingToolError";
}

/** Whether an operating system error has this code, for example "ENOENT". */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
