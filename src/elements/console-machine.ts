/** What `<openwrt-terminal>` needs of a machine; {@link Machine} has it, and tests bring their own. */
import type { ConsoleStreams } from "../machine/console-streams.js";
import type { MachineState } from "../machine/events.js";
import type { ExecOptions, ExecResult } from "../machine/exec.js";

export interface ConsoleMachine extends EventTarget {
  readonly state: MachineState;
  /** a pair of streams of its own at each access */
  readonly console: ConsoleStreams;
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /** Writes a file of the router. Without it dropped files are refused. */
  writeFile?(path: string, data: Blob): Promise<void>;
}
