/** Every text of the elements that a person reads, in one place. */
import type { StorageProblem } from "../machine/errors.js";
import type { Holder } from "../overlay/tabs.js";
import type { MachineState, ProgressStage } from "../machine/events.js";

export const STATE_TEXT: Record<MachineState, string> = {
  off: "Off",
  loading: "Loading",
  booting: "Booting",
  running: "Running",
  failed: "Stopped by an error",
};
/** In place of "Running". */
export const FAILSAFE_TEXT = "Failsafe";

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
  failsafe: "Start in failsafe",
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
  terminalBroken: "The console could not be loaded. Reload the page to try again.",
  partMissing: "A part of this page could not be loaded. Reload the page to try again.",
  screenReader: "Screen reader mode",
  outputStopped: "Output is stopped (Ctrl+S). Ctrl+Q goes on.",
  goOn: "Go on",
  noClipboard: "This browser does not let the page read the clipboard here.",
  noCopy: "This browser does not let the page write to the clipboard here.",
  dropHere: "Drop files to put them into the router's /tmp",
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
  lostTitle: "What was saved is lost",
  takenOverTitle: "This router runs in another tab now",
  storageTitle: "What is stored",
  persisted: "The browser promised to keep this site's data until you delete it.",
  notPersisted:
    "The browser may delete this site's data when space runs out; Safari does so after seven days without a visit. Save a copy of what matters.",
  copyExplained:
    "A copy holds everything the router changed; it fits this firmware only, and restoring one replaces all changes. The whole disk is an image that QEMU boots.",
  keepMemory: "Keep the router's memory too: the next visit goes on where this one ended",
  keepsMemory: "It is saved by itself whenever the router is quiet.",
  keepsNoMemory: "The next visit boots the router; changes are kept all the same.",
  copySaved: "The copy was handed to the browser's downloads.",
  copySavedInFrame:
    "The copy was handed to the browser's downloads. If none appears, the page around this one does not allow downloads: open this page in a tab of its own.",
  copyRestored: "The copy was restored.",
  diskSaved: "The disk image was handed to the browser's downloads.",
  working: "Working…",
  servicesStarting: "services are still starting",
  rebooted: "— the router was restarted —",
  notSaved: "Nothing is saved: changes are lost when the page is closed.",
  notMounted:
    "Failsafe: the stored settings are not mounted, and nothing is saved. “mount_root” mounts them, Reboot leads back.",
  inMemory:
    "Nothing is saved: the router could not mount its stored changes, and keeps new ones in memory until it is switched off. Storage… saves a copy of what is stored, Reset… begins anew.",
  savedNothing: "Nothing changed yet. Changes are saved in this browser as they are made.",
  saving: "Saving what was done just now…",
  storageUnknown: "",
} as const;

/** The console's keys that are not the router's. @param mac whether the platform's shortcuts are made with Command */
export function keysHint(mac: boolean): string {
  return mac
    ? "⌘C copies · ⌘V pastes · F6 leaves"
    : "Ctrl+C copies a selection · Ctrl+V pastes · F6 leaves";
}

export const KEYS_TEXT = {
  row: "Keys",
  control: "Ctrl, for the next key",
  paste: "Paste",
  escape: { sign: "Esc", name: "Esc" },
  tab: { sign: "Tab", name: "Tab" },
  left: { sign: "←", name: "Left" },
  down: { sign: "↓", name: "Down" },
  up: { sign: "↑", name: "Up" },
  right: { sign: "→", name: "Right" },
} as const;

export const ROUTERS_TEXT = {
  title: "Routers stored in this browser",
  none: "No router has changed anything yet.",
  unknownFirmware: (digest: string) => `unknown firmware (${digest}…)`,
  size: (changes: string, memory: string) =>
    memory ? `${changes} of changes, ${memory} of memory` : `${changes} of changes`,
  changed: (when: string) => `changed ${when}`,
  inUse: "in use now",
  named: (label: string, name: string) => `${label.replace("…", "")} “${name}”`,
  open: "Open",
  rename: "Rename…",
  renameConfirm: "Rename",
  newName: (name: string) => `New name of “${name}”`,
  renamed: (name: string, to: string) => `“${name}” is called “${to}” now.`,
  duplicate: "Duplicate…",
  duplicateConfirm: "Duplicate",
  copyName: (name: string) => `Name of the copy of “${name}”`,
  duplicated: (name: string, to: string) => `“${to}” is a copy of “${name}”.`,
  badName: "Use up to 64 lower-case letters, digits, “.”, “_” and “-”.",
  takenName: (name: string) => `There is a router called “${name}” already.`,
  delete: "Delete…",
  deleteTitle: (name: string) => `Delete “${name}”?`,
  deleteText:
    "Everything that was changed in this router will be lost: settings, passwords, installed and edited files. This cannot be undone.",
  deleteConfirm: "Delete the router",
  deleted: (name: string) => `“${name}” was deleted.`,
  notOffered: (name: string) =>
    `The firmware of “${name}” is not offered here. Save a copy to use it where it is.`,
  newer: "It was stored by a newer version of this page. Reload the page to get that version.",
  damaged: "It is damaged and cannot be used.",
  unreadable: "It could not be read. Reload the page to try again.",
};

/** Why a stored router cannot be used, in a list of several. */
export function unreadableText(problem: StorageProblem): string {
  if (problem === "newer" || problem === "damaged") return ROUTERS_TEXT[problem];
  return ROUTERS_TEXT.unreadable;
}

export const UPLOAD_TEXT = {
  list: "Files for the router",
  writing: (name: string, bytes: number) => `Putting “${name}” (${formatBytes(bytes)}) into /tmp…`,
  done: (path: string, bytes: number) => `${path} is in the router (${formatBytes(bytes)}).`,
  cancelled: (name: string) => `“${name}” was not put into the router.`,
  off: (name: string) => `“${name}” was not taken: the router has to be running. Start it first.`,
  folder: (name: string) => `“${name}” is a folder. Drop its files, or an archive of it.`,
  tooMany: (most: number) => `At most ${most} files are taken at a time. Drop an archive of them.`,
  tooLarge: (name: string, bytes: number, free: number) =>
    `“${name}” (${formatBytes(bytes)}) does not fit into the router's /tmp, which has ${formatBytes(free)} left.`,
  refused: (name: string, reason: string) =>
    `The router could not store “${name}”${reason ? `: ${reason}` : "."}`,
  dismiss: "Dismiss",
  dismissNamed: (name: string) => `Dismiss the message about ${name || "the files"}`,
  cancelNamed: (name: string) => `Cancel “${name}”`,
};

export const WEB_TEXT = {
  console: "Console",
  web: "Web interface",
  both: "Side by side",
  views: "Views of the router",
  frame: "The router's web interface",
  navigation: "Router's web interface: navigation",
  back: "Back",
  forward: "Forward",
  reload: "Reload",
  path: "Path on the router",
  off: "The router is off. Its web interface appears here when it runs.",
  starting: "Starting web server…",
  busyTitle: "The router's pages are shown elsewhere",
  busyText: "Another tab or element shows a router's pages on the same address. Only one can.",
  takenTitle: "The router's pages are shown elsewhere now",
  takeOver: "Show them here",
  unconfiguredTitle: "The web interface cannot be shown on this site",
  unconfiguredText:
    "Pages of a router are not trusted and need an address of their own, apart from this page's. This site names none.",
  badOriginText: "The address that this site gives for the router's pages is not usable.",
  ownOriginText:
    "The address that this site gives for the router's pages is this page's own. It must be another one, or the site must allow that explicitly.",
  unsupportedText:
    "It needs service workers, which browsers offer on https:// and localhost, and not in every private window.",
  brokenTitle: "The web interface cannot be shown",
  open: "Open in a new tab",
  dismiss: "Dismiss",
  signInText:
    "The router's web server asks for a name and a password, not this site. What you type is sent to the router.",
  userName: "User name",
  password: "Password",
  signIn: "Sign in",
} as const;

/** What the pane shows in place of an answer of the router. */
export const REQUEST_TEXT = {
  noAnswer: "The page could not be loaded",
  retry: "Try again",
  leadsOut: "This page leads out of the router",
  leadsOutText: (url: string) => `It leads to ${url}, which was not opened.`,
  tlsText: (url: string) =>
    `It leads to ${url}. Only plain HTTP reaches the router from here: switch the redirection to HTTPS off, in LuCI's uhttpd settings or with “uci set uhttpd.main.redirect_https=0; uci commit uhttpd; /etc/init.d/uhttpd restart”.`,
  otherPortText: (url: string) => `It leads to ${url}. Only the router's port 80 is reached here.`,
  bodyTooLarge: "What was sent is larger than the 64 MiB that this page passes on.",
};

export function outsideText(url: string): string {
  return `The link leads out of the router, to ${url}`;
}

/** @param reason what the browser said; "" when the host of the guest origin did not answer */
export function brokenText(origin: string, reason: string): string {
  return reason
    ? `The browser refused (${reason}). Some do where storage of embedded sites is blocked.`
    : `Nothing answers at ${origin}, where this site shows the router's pages. Its three files may be missing, or the name does not resolve in this browser.`;
}

/** Where another tab runs the router, when it answered. */
export function holderText(holder: Holder | undefined): string {
  if (!holder) return "That tab does not answer; it may be asleep.";
  const since = new Date(holder.since).toLocaleTimeString([], { timeStyle: "short" });
  return `It runs in “${holder.title}” (${holder.path}) since ${since}.`;
}

export function savedText(bytes: number): string {
  return `${formatBytes(bytes)} of changes saved in this browser.`;
}

export function keptMemoryText(bytes: number): string {
  return `${formatBytes(bytes)} of memory kept for the next visit.`;
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
