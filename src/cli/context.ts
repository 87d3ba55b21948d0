/** What a command needs from the world around it. */
export interface Context {
  /** folder of the project, the one with `images/` and `kernels/` */
  readonly project: string;
  /** folder that file names on the command line are relative to */
  readonly workingDirectory: string;
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** aborted when the person wants the command to stop; it then removes its temporary files */
  readonly signal: AbortSignal;
}
