/**
 * Keys that are typed into the console are the console's alone: they stop at its border.
 *
 * Pages have shortcuts of one letter (slides, search boxes), and many listen on `document` in the capture phase, where
 * they come before the console does. So this listens on `window`, which is before `document`, stops the key there and
 * hands a copy of it to the input, which does not leave the shadow tree.
 *
 * Out of reach: who listened on `window` in the capture phase before this module was loaded sees the keys, and may even
 * take them for good (`stopImmediatePropagation`); a key that was only cancelled there is typed all the same. Inside a
 * closed shadow root of the page's own the keys stop in the bubbling phase only.
 */

const TYPES = ["keydown", "keypress", "keyup"] as const;

/** Inputs that keep their keys, with what decides on each of them. */
const inputs = new WeakMap<EventTarget, (event: KeyboardEvent) => boolean>();

/**
 * Keeps what is typed into an input in its shadow tree.
 *
 * @param keeps whether it keeps this one; the others go to the page and the browser as from any input
 */
export function keepKeys(input: HTMLElement, keeps: (event: KeyboardEvent) => boolean): void {
  inputs.set(input, keeps);
}

for (const type of TYPES) window.addEventListener(type, stop, { capture: true });

function stop(event: KeyboardEvent): void {
  const [input] = event.composedPath();
  // The copy passes here as well.
  if (!event.isTrusted || !input || !inputs.get(input)?.(event)) return;
  event.stopImmediatePropagation();
  const handled = !input.dispatchEvent(copyOf(event));
  if (handled) event.preventDefault();
  else if (event.type === "keydown" && event.defaultPrevented) typeAnyway(event, input);
}

/** Somebody cancelled the key, so that the browser will not type it. */
function typeAnyway(event: KeyboardEvent, input: EventTarget): void {
  const { key, ctrlKey, altKey, metaKey } = event;
  if (key.length !== 1 || ctrlKey || altKey || metaKey || event.isComposing) return;
  input.dispatchEvent(copyOf(event, "keypress", key.charCodeAt(0)));
}

/* eslint-disable @typescript-eslint/no-deprecated -- xterm.js goes by key codes. */
function copyOf(event: KeyboardEvent, type = event.type, charCode = event.charCode): KeyboardEvent {
  const { key, code, location, repeat, isComposing, keyCode, detail } = event;
  const { ctrlKey, shiftKey, altKey, metaKey } = event;
  return new KeyboardEvent(type, {
    ...{ key, code, location, repeat, isComposing, detail, view: window },
    ...{ ctrlKey, shiftKey, altKey, metaKey },
    modifierAltGraph: event.getModifierState("AltGraph"),
    modifierCapsLock: event.getModifierState("CapsLock"),
    ...{ keyCode: type === "keypress" ? charCode : keyCode, charCode },
    bubbles: true,
    cancelable: true,
    composed: false,
  });
}
