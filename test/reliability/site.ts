/** The site of the kill test: a copy of dist/, so that a build meanwhile changes nothing, and one page more. */
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DIST, ROOT } from "../../scripts/lib/paths.js";

export const PAGE = "kill.html";
const HERE = `${ROOT}test/reliability/`;

/**
 * @param folder where the copy goes
 * @param rebuild builds dist/ also when there is one
 * @param sabotage "late" puts late-store.ts into the machine's worker
 */
export async function makeSite(folder: string, rebuild: boolean, sabotage?: string): Promise<void> {
  if (rebuild || !existsSync(`${DIST}playground`))
    spawnSync("npm", ["run", "build"], { cwd: ROOT, stdio: "inherit" });
  await cp(DIST, folder, { recursive: true });
  await forgetFactoryStates(join(folder, "playground", "images"));
  await build({
    entryPoints: [`${HERE}page.ts`],
    outfile: join(folder, "kill.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
  });
  const html =
    '<!doctype html><meta charset="utf-8"><title>Kill test</title><script type="module" src="kill.js"></script>';
  await writeFile(join(folder, PAGE), html);
  if (sabotage === "late") await sabotageWorker(join(folder, "playground"));
  else if (sabotage !== undefined) throw new Error(`There is no sabotage called "${sabotage}".`);
}

/** A first boot is what is to be killed: one that is restored formats nothing. */
async function forgetFactoryStates(images: string): Promise<void> {
  for (const entry of await readdir(images, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(images, entry.name, "firmware.json");
    const manifest = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    delete manifest["factory"];
    await writeFile(path, JSON.stringify(manifest));
    // The precompressed copies are of the other one.
    for (const ending of [".br", ".gz"]) await rm(path + ending, { force: true });
  }
}

/** Builds the worker again, under the name that the pages know, with the other store. */
async function sabotageWorker(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.startsWith("machine-worker-"));
  const worker = files.find((name) => name.endsWith(".js"));
  if (!worker) throw new Error("There is no worker in dist/playground.");
  for (const name of files) await rm(join(folder, name));
  await build({
    entryPoints: [`${ROOT}src/host/worker.ts`],
    outfile: join(folder, worker),
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["crypto", "node:*", "fs", "perf_hooks"],
    plugins: [
      {
        name: "late-store",
        setup(builder) {
          builder.onResolve({ filter: /\/overlay-store\.js$/ }, ({ importer }) =>
            importer.startsWith(HERE) ? undefined : { path: `${HERE}late-store.ts` },
          );
        },
      },
    ],
  });
}
