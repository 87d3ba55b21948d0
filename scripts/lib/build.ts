/**
 * Makes dist/: the worker first, whose hashed name goes into the page's bundle, then the pages, then what is copied, and
 * the machine for Node programs.
 * Everything a page needs lies in dist/playground/, laid out as in the repository (kernels/, images/).
 */
import { build as esbuild, type BuildOptions } from "esbuild";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { publishFirmware } from "../../src/cli/publish.js";
import { V86_DIRECTORY } from "../../src/machine/assets.js";
import { LLHTTP_DIRECTORY } from "../../src/network/llhttp.js";
import { compressFiles } from "./compress.js";
import { llhttpWasm } from "../../src/cli/llhttp.js";
import { DIST, NODE_DIST, ROOT } from "./paths.js";

const COMMON: BuildOptions = {
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  metafile: true,
  logLevel: "warning",
  absWorkingDir: ROOT,
  loader: { ".css": "text" },
};

/** What v86 asks of Node when it runs there; never reached in a browser. */
export const NODE_PARTS_OF_V86 = ["crypto", "node:*", "fs", "perf_hooks"];

/** @returns path of the made directory */
export async function build(): Promise<string> {
  await checkV86();
  await checkUndici();
  // The firmware stays: it is large, and publishing updates only what changed.
  await mkdir(`${DIST}playground`, { recursive: true });
  await removeScripts(`${DIST}playground/`);
  const worker = await buildWorker();
  await buildPages(worker);
  await buildGuestOrigin();
  await copyStatic();
  await publishFirmware(ROOT, `${DIST}playground`);
  await compressFiles(DIST, NODE_DIST);
  await buildNode();
  return DIST;
}

/** What `openwrt-playground/node` is. */
async function buildNode(): Promise<void> {
  const node: BuildOptions = {
    ...COMMON,
    platform: "node",
    target: "node20.15",
    // Somebody's stack traces are read.
    minifyIdentifiers: false,
    outdir: NODE_DIST,
  };
  await esbuild({ ...node, entryPoints: { worker: "src/host/node-worker.ts" } });
  await esbuild({
    ...node,
    entryPoints: { index: "src/host/node.ts" },
    define: {
      WORKER_FILE: JSON.stringify("./worker.js"),
      BUILT_FILES: JSON.stringify("../playground/"),
    },
  });
}

async function buildWorker(): Promise<string> {
  const { metafile } = await esbuild({
    ...COMMON,
    entryPoints: { "machine-worker": "src/host/worker.ts" },
    entryNames: "[name]-[hash]",
    outdir: `${DIST}playground`,
    external: NODE_PARTS_OF_V86,
  });
  const made = Object.keys(metafile?.outputs ?? {}).find((path) => path.endsWith(".js"));
  if (!made) throw new Error("esbuild made no worker.");
  return basename(made);
}

async function buildPages(worker: string): Promise<void> {
  await esbuild({
    ...COMMON,
    entryPoints: {
      "playground/openwrt-playground": "src/elements/index.ts",
      "playground/openwrt-web": "src/elements/openwrt-web.ts",
      site: "src/site/site.ts",
    },
    chunkNames: "playground/[name]-[hash]",
    splitting: true,
    outdir: DIST,
    define: { WORKER_FILE: JSON.stringify(worker) },
  });
}

/** What the host of a guest origin serves: GUEST_FILES of serve.ts. A service worker is one file without imports. */
async function buildGuestOrigin(): Promise<void> {
  await esbuild({
    ...COMMON,
    format: "iife",
    entryPoints: ["router-bridge", "router-service-worker"].map(
      (name) => `src/service-worker/${name}.ts`,
    ),
    outdir: DIST,
  });
  await cp(`${ROOT}src/service-worker/router-bridge.html`, `${DIST}router-bridge.html`);
}

async function copyStatic(): Promise<void> {
  const v86 = `${DIST}playground/${V86_DIRECTORY}`;
  await mkdir(v86, { recursive: true });
  await cp(`${ROOT}node_modules/v86/build/v86.wasm`, `${v86}/v86.wasm`);
  const llhttp = `${DIST}playground/${LLHTTP_DIRECTORY}`;
  await mkdir(llhttp, { recursive: true });
  await writeFile(`${llhttp}/llhttp.wasm`, llhttpWasm());
  await mkdir(`${DIST}playground/wasm/lwip`, { recursive: true });
  await cp(`${ROOT}wasm/lwip/lwip.wasm`, `${DIST}playground/wasm/lwip/lwip.wasm`);
  await cp(`${ROOT}public`, DIST, { recursive: true });
  for (const file of ["index.html", "site.css"]) await cp(`${ROOT}src/site/${file}`, DIST + file);
}

/** src/machine/v86.ts is written for one version, and its name is in the cached path. */
async function checkV86(): Promise<void> {
  const version = await installedVersion("v86");
  if (V86_DIRECTORY !== `v86-${version.replace(/\+.*/, "")}`)
    throw new Error(
      `v86 ${version} is installed, but src/machine/assets.ts and v86.ts are written for ${V86_DIRECTORY}.`,
    );
}

/** Its version is in the cached path of llhttp.wasm. */
async function checkUndici(): Promise<void> {
  const version = await installedVersion("undici");
  if (LLHTTP_DIRECTORY !== `undici-${version}`)
    throw new Error(
      `undici ${version} is installed, but src/network/llhttp.ts is written for ${LLHTTP_DIRECTORY}.`,
    );
}

async function installedVersion(name: string): Promise<string> {
  const text = await readFile(`${ROOT}node_modules/${name}/package.json`, "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Hashed names of earlier builds would pile up. */
async function removeScripts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (/\.js(\.|$)/.test(name)) await rm(folder + name);
}
