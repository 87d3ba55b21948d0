/** Every text of the elements that a person reads, in one place. */
import type { Holder } from "../machine/tabs.js";
import type { MachineState, ProgressStage } from "../machine/events.js";

export const STATE_TEXT: Record<MachineState, string> = {
  off: "Off",
  loading: "Loading",
  booting: "Booting",
  running: "Running",
  suspended: "Suspended",
  failed: "Stopped by an error",
};

export const STAGE_TEXT: Record<ProgressStage, string> = {
  fetch: "Fetching the firmware",
  kernel: "Booting the kernel",
  preinit: "Mounting the root filesystem and the overlay",
  services: "Starting services",
  ready: "Ready",
};

export const TEXT = {
  start: "Start",
  reboot: "Reboot",
  powerOff: "Power off",
  reset: "Reset",
  retry: "Try again",
  detach: "Go on without saving",
  takeOver: "Take over",
  takeBack: "Take it back",
  startWithoutSaving: "Run a copy without saving",
  storage: "Storage",
  saveCopy: "Save a copy…",
  restoreCopy: "Restore a copy…",
  saveDisk: "Save the whole disk…",
  close: "Close",
  cancel: "Cancel",
  controls: "Router controls",
  terminal: "Router console",
  screenReader: "Screen reader mode",
  leaveHint: "F6 leaves the console.",
  offHint: "A router with a real Linux kernel, in this page. Nothing leaves your computer.",
  details: "Last lines of the console",
  resetTitle: "Reset this router?",
  resetText:
    "Every change made in this router will be lost: settings, passwords, installed and edited files. It starts again as it came from the factory. This cannot be undone.",
  resetConfirm: "Reset the router",
  stallTitle: "The router is paused: its changes cannot be saved",
  failTitle: "The router stopped",
  elsewhere: "Runs elsewhere",
  inUseTitle: "This router runs elsewhere",
  takenOverTitle: "This router runs in another tab now",
  storageTitle: "What is stored",
  persisted: "The browser promised to keep this site's data until you delete it.",
  notPersisted:
    "The browser may delete this site's data when space runs out; Safari does so after seven days without a visit. Save a copy of what matters.",
  copyExplained:
    "A copy holds everything the router changed; it fits this firmware only, and restoring one replaces all changes. The whole disk is an image that QEMU boots.",
  copySaved: "The copy was handed to the browser's downloads.",
  copyRestored: "The copy was restored.",
  diskSaved: "The disk image was handed to the browser's downloads.",
  working: "Working…",
  servicesStarting: "services are still starting",
  rebooted: "— the router was restarted —",
  notSaved: "Nothing is saved: changes are lost when the page is closed.",
  savedNothing: "Nothing changed yet. Changes are saved in this browser as they are made.",
  storageUnknown: "",
} as const;

/** Where another tab runs the router, when it answered. */
export function holderText(holder: Holder | undefined): string {
  if (!holder) return "That tab does not answer; it may be asleep.";
  const since = new Date(holder.since).toLocaleTimeString([], { timeStyle: "short" });
  return `It runs in “${holder.title}” (${holder.path}) since ${since}.`;
}

export function savedText(bytes: number): string {
  return `${formatBytes(bytes)} of changes saved in this browser.`;
}

export function fetchedText(loaded: number, total: number): string {
  return total > 0
    ? `${STAGE_TEXT.fetch}: ${formatBytes(loaded)} of ${formatBytes(total)}`
    : STAGE_TEXT.fetch;
}

/** Bytes in decimal units, as browsers and shops count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
