import { esbuildPlugin } from "@web/dev-server-esbuild";
import { chromeLauncher } from "@web/test-runner-chrome";
import { fileURLToPath } from "node:url";
import { chromium, CHROMIUM_FLAGS } from "./scripts/lib/chromium.js";

/** As the build does: a style sheet that is imported is its text. */
const styleSheets = {
  name: "style-sheets",
  /** @param {{ path: string }} request */
  resolveMimeType: ({ path }) => (path.endsWith(".css") ? "js" : undefined),
  /** @param {{ path: string, body: unknown }} request */
  transform: ({ path, body }) =>
    path.endsWith(".css") ? `export default ${JSON.stringify(String(body))};` : undefined,
};

/** Module tests in a real Chromium: real IndexedDB, real workers. The repository root is what is served. */
export default {
  files: [
    "test/{image,disk,overlay,firmware,snapshot,elements,web-pane}/**/*.test.ts",
    "test/{common,network}/browser/*.test.ts",
  ],
  nodeResolve: true,
  hostname: "127.0.0.1",
  concurrency: 1,
  plugins: [
    styleSheets,
    esbuildPlugin({
      ts: true,
      target: "es2022",
      tsconfig: fileURLToPath(new URL("tsconfig.json", import.meta.url)),
    }),
  ],
  browsers: [
    chromeLauncher({ launchOptions: { executablePath: chromium(), args: CHROMIUM_FLAGS } }),
  ],
  testFramework: { config: { ui: "bdd", timeout: 120_000 } },
  testsFinishTimeout: 600_000,
};
