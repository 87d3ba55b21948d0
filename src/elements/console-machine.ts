/** What `<openwrt-terminal>` needs of a machine. */
import type { Machine } from "../machine/machine.js";

export type ConsoleMachine = EventTarget & Pick<Machine, "state" | "console" | "exec" | "spawn">;
