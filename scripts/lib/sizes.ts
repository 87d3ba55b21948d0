import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** A table of every file but types and source maps, with its size in bytes, as it is and as brotli. */
export function sizeTable(folder: string): string {
  const rows = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(br|gz|map|d\.ts)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      name: relative(folder, path),
      raw: statSync(path).size,
      br: existsSync(`${path}.br`) ? statSync(`${path}.br`).size : undefined,
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
  const lines = rows.map(
    ({ name, raw, br }) => `${name.padEnd(48)}${count(raw)}${br === undefined ? "" : count(br)}`,
  );
  return [`${"file".padEnd(48)}${"bytes".padStart(12)}${"brotli".padStart(12)}`, ...lines].join(
    "\n",
  );
}

function count(bytes: number): string {
  return bytes.toLocaleString("en").padStart(12);
}
