import { defineConfig } from "@playwright/test";

const LONG =
  /(?:two-tabs|storage-faults|faults-while-running|early-endings|network-load)\.test\.ts$/;

/** Whole-page flows on the built site. Every test has a browser profile of its own, so storage is real. */
export default defineConfig({
  testDir: "test/e2e",
  // A machine uses a core while it boots.
  workers: 2,
  timeout: 180_000,
  expect: { timeout: 60_000 },
  // A machine that is busy with something else may hold up a boot: tried twice in CI, and said in the report.
  retries: process.env["CI"] ? 1 : 0,
  projects: [
    { name: "page", testIgnore: LONG },
    // Many boots, two tabs at a time, a thousand requests: with `npm run test:all`, and so in CI.
    { name: "long", testMatch: LONG },
  ],
  outputDir: "test-results/playwright",
  reporter: [["list"], ["json", { outputFile: "test-results/playwright.json" }]],
});
