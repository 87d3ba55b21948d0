/** A machine as the web pane takes it. */
import type { WebMachine } from "../web-pane/web-machine.js";

/** @returns the machine, when it can be asked over HTTP */
export function webMachine(machine: EventTarget): WebMachine | undefined {
  return "exchange" in machine ? (machine as WebMachine) : undefined;
}

/** What tells one stored router from every other in this browser. */
export function webMachineKey(firmware: string, overlay: string): string {
  return `${firmware}\n${overlay}`;
}
