/** The clipboard, as far as a page may use it. */

/** Copies text, while the browser still takes the call for the person's own doing. @returns whether it could */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // In a frame that its page does not let write; what follows is obsolete, and allowed there.
    return copyByCommand(text);
  }
}

/** @returns the clipboard's text; `undefined` when the browser or the person does not let the page read it */
export async function readText(): Promise<string | undefined> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return undefined;
  }
}

function copyByCommand(text: string): boolean {
  const put = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("copy", put, { capture: true, once: true });
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- see above
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    window.removeEventListener("copy", put, { capture: true });
  }
}
