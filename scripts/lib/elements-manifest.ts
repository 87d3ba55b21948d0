/**
 * `custom-elements.json`, by which editors and documentation tools know the elements (custom-elements-manifest, version 1):
 * what the analyzer finds in the sources, without what is private, and under the names that the built files have.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { ROOT } from "./paths.js";

/** Source of each public element, and the file that has it. */
const MODULES: Record<string, string> = {
  "src/elements/openwrt-playground.ts": "dist/playground/openwrt-playground.js",
  "src/elements/openwrt-web.ts": "dist/playground/openwrt-web.js",
};

interface Member {
  readonly name: string;
  readonly privacy?: string;
  readonly static?: boolean;
}
interface Declaration {
  readonly customElement?: boolean;
  members?: Member[] | undefined;
}
interface Manifest {
  modules: {
    path: string;
    declarations: Declaration[];
    exports: { declaration: { module?: string } }[];
  }[];
}

/** @param file where it is written */
export function writeElementsManifest(file: string): void {
  // The analyzer knows only folders below the current one.
  const folder = mkdtempSync(`${ROOT}.manifest-`);
  try {
    const name = folder.slice(ROOT.length);
    // Left alone it writes its folder into package.json.
    const config = {
      litelement: true,
      packagejson: false,
      outdir: name,
      globs: Object.keys(MODULES),
    };
    writeFileSync(`${folder}/config.mjs`, `export default ${JSON.stringify(config)};`);
    const analyzer = `${ROOT}node_modules/@custom-elements-manifest/analyzer/cem.js`;
    execFileSync(process.execPath, [analyzer, "analyze", "--config", `${name}/config.mjs`], {
      ...{ cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] },
    });
    const manifest = JSON.parse(readFileSync(`${folder}/custom-elements.json`, "utf8")) as Manifest;
    for (const module of manifest.modules) {
      module.path = built(module.path);
      module.declarations = module.declarations.filter(({ customElement }) => customElement);
      for (const declaration of module.declarations)
        declaration.members = declaration.members?.filter(isPublic);
      for (const { declaration } of module.exports)
        if (declaration.module) declaration.module = built(declaration.module);
    }
    writeFileSync(file, JSON.stringify(manifest));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function built(source: string): string {
  const path = MODULES[source];
  if (!path) throw new Error(`${source} is no public element.`);
  return path;
}

function isPublic({ name, privacy, static: isStatic }: Member): boolean {
  return !name.startsWith("#") && privacy !== "private" && isStatic !== true;
}
