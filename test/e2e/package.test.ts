/** The package in somebody's project: packed as npm packs it, checked by TypeScript, built by Vite, run in a browser. */
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { ROOT } from "../../scripts/lib/paths.js";
import { serve } from "../../scripts/lib/serve.js";
import { expect, Router, test } from "./fixtures.js";

const PAGE = `<!doctype html>
<html lang="en">
  <title>Somebody's page</title>
  <openwrt-playground firmware="demo" overlay="mine" assets="/playground/"></openwrt-playground>
  <script type="module" src="/main.ts"></script>
</html>`;

const PROGRAM = `import { type ExecResult, Machine, Overlay } from "openwrt-playground";

const element = document.querySelector("openwrt-playground");
if (!element) throw new Error("There is no element.");
await element.machine.start();
const { stdout }: ExecResult = await element.machine.exec("echo built | tee /etc/built; sync");
const other = new Machine({ firmware: "demo", overlay: null, assets: new URL("/playground/", location.href) });
// @ts-expect-error there is no such state
if (other.state === "asleep") throw new Error("It sleeps.");
document.title = stdout.trim() + " " + (await Overlay.list()).length;
`;

const TSCONFIG = {
  compilerOptions: {
    ...{ strict: true, noEmit: true, module: "ESNext", moduleResolution: "bundler" },
    ...{ target: "ES2022", lib: ["ES2023", "DOM", "DOM.Iterable", "ESNext.Disposable"], types: [] },
  },
  files: ["main.ts"],
};

test("a Vite project uses the package, with its types and its files", async ({ page }) => {
  await mkdir(`${ROOT}test-results`, { recursive: true });
  const folder = await mkdtemp(`${ROOT}test-results/vite-`);
  try {
    const run = (...command: [string, ...string[]]) =>
      execFileSync(command[0], command.slice(1), { cwd: folder, encoding: "utf8" });
    const installed = `${folder}/node_modules/openwrt-playground`;
    await mkdir(installed, { recursive: true });
    const packed = run("npm", "pack", ROOT, "--silent").trim();
    run("tar", "-xzf", packed, "-C", installed, "--strip-components=1");
    await cp(`${installed}/dist/playground`, `${folder}/public/playground`, { recursive: true });
    await writeFile(`${folder}/index.html`, PAGE);
    await writeFile(`${folder}/main.ts`, PROGRAM);
    await writeFile(`${folder}/tsconfig.json`, JSON.stringify(TSCONFIG));
    run(process.execPath, `${ROOT}node_modules/typescript/bin/tsc`, "-p", folder);
    run(process.execPath, `${ROOT}node_modules/vite/bin/vite.js`, "build", "--logLevel", "error");

    const site = await serve(`${folder}/dist/`, 0);
    try {
      await page.goto(site.url);
      await new Router(page).reaches("running");
      await expect(page).toHaveTitle("built 1");
    } finally {
      await site.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("the package says what its elements are to editors and documentation tools", async () => {
  const { customElements } = JSON.parse(await readFile(`${ROOT}package.json`, "utf8")) as {
    customElements: string;
  };
  const manifest = JSON.parse(await readFile(ROOT + customElements, "utf8")) as {
    modules: {
      path: string;
      declarations: {
        tagName: string;
        attributes: { name: string }[];
        members: { name: string }[];
      }[];
    }[];
  };
  const [element] = manifest.modules.flatMap(({ declarations }) => declarations);
  expect(element?.tagName).toBe("openwrt-playground");
  expect(element?.attributes.map(({ name }) => name)).toEqual([
    ...["firmware", "overlay", "autostart", "theme", "assets"],
    ...["guest-origin", "allow-same-origin-guest"],
  ]);
  const members = element?.members.map(({ name }) => name);
  expect(members).toContain("machine");
  expect(members?.filter((name) => name.startsWith("#"))).toEqual([]);
  for (const { path } of manifest.modules) await readFile(ROOT + path);
});
