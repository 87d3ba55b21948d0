/** How long the browser may take to begin reading a blob it was told to download, in milliseconds. */
const KEEP_MS = 60_000;

/** Has the browser save a blob under a name. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}
