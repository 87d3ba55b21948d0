/** Precompressed copies (.br, .gz) beside files that shrink, for servers that can hand them out. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const SHRINKS = /\.(js|css|html|json|svg|wasm|webmanifest)$/;

/** @param except a folder in it that nobody serves */
export async function compressFiles(folder: string, except: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && SHRINKS.test(entry.name) && !path.startsWith(except))
      await compress(path);
  }
}

async function compress(path: string): Promise<void> {
  const made = await stat(`${path}.br`).catch(() => undefined);
  const source = await stat(path);
  if (made && made.mtimeMs >= source.mtimeMs) return;
  const data = await readFile(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(data, quality));
  await writeFile(`${path}.gz`, await promisify(gzip)(data, { level: 9 }));
}
