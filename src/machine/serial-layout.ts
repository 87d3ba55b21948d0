/**
 * Which of the router's serial ports is for what. Port 0 is its second console (hvc0); port 1 is the control shell's; the
 * others are lanes: five ports for one command at a time.
 */
import type { PortRings } from "./v86-serial.js";

export const CONSOLE_PORT = 0;
export const CONTROL_PORT = 1;
/** Of the control shell's port, as /sys/class/virtio-ports/…/name says it. */
export const CONTROL_NAME = "playground.control";
/** How many commands run side by side. A port that nobody has used yet costs the router nothing but its queues. */
export const LANES = 24;
const FIRST_LANE = 2;

/** The ports of a lane, in the order of their numbers. */
const ROLES = ["status", "stdin", "stdout", "stderr", "script"] as const;
export type LanePort = (typeof ROLES)[number];

const RINGS: Record<"console" | "control" | LanePort, PortRings> = {
  console: { toGuest: 2, fromGuest: 4 },
  control: { toGuest: 4, fromGuest: 8 },
  status: { toGuest: 2, fromGuest: 2 },
  stdin: { toGuest: 16, fromGuest: 2 },
  stdout: { toGuest: 2, fromGuest: 8 },
  stderr: { toGuest: 2, fromGuest: 4 },
  script: { toGuest: 4, fromGuest: 2 },
};

/** @param lane 0 to {@link LANES} - 1 */
export function portOf(lane: number, role: LanePort): number {
  return FIRST_LANE + ROLES.length * lane + ROLES.indexOf(role);
}

/** Ring sizes of all ports. */
export const SERIAL_RINGS: readonly PortRings[] = [
  RINGS.console,
  RINGS.control,
  ...Array.from({ length: LANES }, () => ROLES.map((role) => RINGS[role])).flat(),
];

export function portName(port: number): string {
  const role = ROLES[(port - FIRST_LANE) % ROLES.length];
  const lane = Math.floor((port - FIRST_LANE) / ROLES.length);
  return port === CONTROL_PORT ? CONTROL_NAME : `playground.${lane}.${role ?? ""}`;
}
