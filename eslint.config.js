import js from "@eslint/js";
import globals from "globals";
import tseslint from "typescript-eslint";

/**
 * Who may import whom under src/. Folders depend downwards only; this table is the one place that says so.
 * A folder may always import itself.
 */
const LAYERS = {
  common: [],
  image: ["common"],
  disk: ["common"],
  network: ["common"],
  firmware: ["common", "image"],
  snapshot: ["common", "disk", "firmware"],
  overlay: ["common", "disk", "firmware", "snapshot"],
  machine: ["common", "image", "disk", "overlay", "snapshot", "network", "firmware"],
  "web-pane": ["network"],
  elements: ["machine", "overlay", "firmware", "network", "web-pane"],
  site: ["elements", "machine", "firmware"],
  cli: ["common", "image", "firmware", "disk", "overlay", "machine", "network", "snapshot"],
  "service-worker": ["network", "web-pane"],
};

const folders = Object.keys(LAYERS);

function layerRules() {
  return folders.map((folder) => {
    const forbidden = folders.filter(
      (other) => other !== folder && !LAYERS[folder].includes(other),
    );
    return {
      files: [`src/${folder}/**/*.ts`],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            paths: [
              ...(folder === "machine"
                ? []
                : [{ name: "v86", message: "Only src/machine/ imports v86." }]),
              ...(["disk", "snapshot", "overlay"].includes(folder)
                ? []
                : [
                    {
                      name: "idb-keyval",
                      message: "Only src/disk/, src/snapshot/ and src/overlay/ store.",
                    },
                  ]),
            ],
            patterns: [
              {
                group: forbidden.flatMap((other) => [`**/${other}/**`]),
                message: `src/${folder}/ may import only: ${LAYERS[folder].join(", ") || "nothing above it"}.`,
              },
              ...(folder === "elements" || folder === "site"
                ? []
                : [
                    {
                      group: ["lit", "lit/*", "@xterm/*"],
                      message: "Only elements and site draw.",
                    },
                  ]),
              ...(folder === "cli"
                ? []
                : [{ group: ["node:*"], message: "Only src/cli/ runs on Node alone." }]),
            ],
          },
        ],
      },
    };
  });
}

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "test-results/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
    },
  },
  {
    files: ["scripts/**", "bench/**", "test/**", "src/cli/**"],
    rules: { "no-console": "off" },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            {
              from: "package",
              name: ["it", "test", "describe", "before", "after", "beforeEach", "afterEach"],
              package: "node:test",
            },
          ],
        },
      ],
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  { files: ["**/*.js"], languageOptions: { globals: { ...globals.node } } },
  ...layerRules(),
);
