/** A machine that is only its console, and what the tests of elements have in common. */
import { sendKeys } from "@web/test-runner-commands";
import type { ConsoleMachine } from "../../src/elements/console-machine.js";
import type { OpenwrtTerminal } from "../../src/elements/openwrt-terminal.js";
import { ConsoleHub, type ConsoleStreams } from "../../src/machine/console-streams.js";
import type { Process } from "../../src/machine/command.js";
import type { MachineState } from "../../src/machine/events.js";
import type { ExecResult } from "../../src/machine/exec.js";

export class FakeConsole extends EventTarget implements ConsoleMachine {
  state: MachineState = "running";
  /** all that was typed */
  typed = "";
  readonly commands: string[] = [];
  readonly #decoder = new TextDecoder();
  readonly #hub = new ConsoleHub((bytes) => {
    this.typed += this.#decoder.decode(bytes, { stream: true });
  });

  get console(): ConsoleStreams {
    return this.#hub.open();
  }

  spawn(command: string): Process {
    throw new Error(`Nothing runs here: ${command}`);
  }

  exec(command: string): Promise<ExecResult> {
    this.commands.push(command);
    return Promise.resolve({ stdout: "", stderr: "", exitCode: 0 });
  }

  print(text: string): void {
    this.#hub.output(new TextEncoder().encode(text));
  }

  end(): void {
    this.state = "off";
    this.#hub.close();
  }
}

/** Waits until something holds, by the page's own frames. */
export async function until(
  what: string,
  holds: () => boolean,
  { within = 10_000 } = {},
): Promise<void> {
  const end = performance.now() + within;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Puts a terminal of 800 × 400 pixels into the page. */
export function mount(machine: ConsoleMachine, into: HTMLElement = document.body): OpenwrtTerminal {
  const terminal = document.createElement("openwrt-terminal");
  terminal.machine = machine;
  Object.assign(terminal.style, { width: "800px", height: "400px" });
  into.append(terminal);
  return terminal;
}

/** The element that xterm.js makes, when the terminal is open. */
export function opened(terminal: OpenwrtTerminal): HTMLElement | null {
  return terminal.renderRoot.querySelector<HTMLElement>(".xterm");
}

export function inputOf(terminal: OpenwrtTerminal): HTMLTextAreaElement | null {
  return terminal.renderRoot.querySelector("textarea");
}

/** Mounts one and waits until it can be typed into. */
export async function ready(machine: ConsoleMachine, into?: HTMLElement): Promise<OpenwrtTerminal> {
  const terminal = mount(machine, into);
  await until("the terminal is open", () => inputOf(terminal) !== null);
  return terminal;
}

/** Presses a key, as "Control+Shift+v". */
export async function press(keys: string): Promise<void> {
  const names = keys.split("+");
  const key = names.pop() ?? "";
  for (const name of names) await sendKeys({ down: name });
  await sendKeys({ press: key });
  for (const name of names.reverse()) await sendKeys({ up: name });
}
