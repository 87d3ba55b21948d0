/** What a key that is pressed in the console is for: one decision, by the platform's habits. */

/**
 * - `router`: the router gets it
 * - `browser`: nobody here; the browser does what it always does with it
 * - `paste`: the browser's own paste, which needs no permission
 * - `copy`: the selected text is copied
 * - `copy-once`: the same, and the selection goes, so that the next Ctrl+C interrupts
 * - `leave`, `leave-back`: the focus moves on behind the console, or before it
 */
export type KeyUse = "router" | "browser" | "paste" | "copy" | "copy-once" | "leave" | "leave-back";

export type PressedKey = Pick<
  KeyboardEvent,
  "key" | "code" | "ctrlKey" | "shiftKey" | "altKey" | "metaKey"
>;

export interface KeyContext {
  /** whether the platform's shortcuts are made with Command */
  readonly mac: boolean;
  /** whether text of the console is selected */
  readonly selected: boolean;
  /** whether nothing was typed yet since the focus came: then Tab moves it on, so that nobody is caught here */
  readonly passing: boolean;
}

/** Copy and paste as in Windows Terminal and GNOME's; on a Mac as in Terminal, where Control is the router's alone. */
export function useOfKey(pressed: PressedKey, { mac, selected, passing }: KeyContext): KeyUse {
  const { key, ctrlKey, shiftKey, altKey, metaKey } = pressed;
  const modifiers = [ctrlKey && "Ctrl", altKey && "Alt", metaKey && "Meta", shiftKey && "Shift"]
    .filter(Boolean)
    .join("+");
  switch (`${modifiers}${modifiers && "+"}${letterOf(pressed) ?? key}`) {
    case "F6":
      return "leave";
    case "Shift+F6":
      return "leave-back";
    case "Tab":
    case "Shift+Tab":
      return passing ? "browser" : "router";
    case "Ctrl+Insert":
      return selected ? "copy" : "router";
    case "Shift+Insert":
      return "paste";
    case "Meta+c":
      return !mac ? "router" : selected ? "copy" : "browser";
    case "Meta+v":
      return mac ? "paste" : "router";
    case "Ctrl+c":
      return !mac && selected ? "copy-once" : "router";
    case "Ctrl+v":
      return mac ? "router" : "paste";
    case "Ctrl+Shift+c":
      return mac ? "router" : "copy";
    case "Ctrl+Shift+v":
      return mac ? "router" : "paste";
    default:
      return "router";
  }
}

/** Whether this browser runs where shortcuts are made with Command. */
export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}

/** The Latin letter of a key, also where the keyboard has another alphabet: shortcuts go by it. */
function letterOf({ key, code }: PressedKey): string | undefined {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  const latin = /^Key([A-Z])$/.exec(code)?.[1];
  // On a keyboard with Latin letters the key's own letter counts, wherever it lies; a sign is no letter.
  return latin !== undefined && /^\p{L}$/u.test(key) ? latin.toLowerCase() : undefined;
}
