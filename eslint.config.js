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
  host: ["common", "image", "disk", "overlay", "snapshot", "network", "firmware", "machine"],
  "web-pane": ["common", "network"],
  elements: ["common", "host", "overlay", "machine", "firmware", "network", "web-pane"],
  site: ["host", "elements", "machine", "firmware"],
  cli: ["common", "image", "host", "firmware", "disk", "overlay", "machine", "network", "snapshot"],
  "service-worker": ["common", "network", "web-pane"],
};

const folders = Object.keys(LAYERS);

/** Which files may, beside what their folder may: patterns of files, by what is otherwise refused everywhere. */
const V86_FILES = ["src/machine/v86*.ts"];
const NODE_FILES = ["src/cli/**/*.ts", "src/host/node*.ts", "src/host/node/**/*.ts"];

/** What only a host may touch: a machine is handed what it needs of a page (src/machine/host.ts). */
const PAGE_GLOBALS = [
  ...["navigator", "document", "window", "location", "self", "localStorage", "sessionStorage"],
  ...["indexedDB", "caches", "Worker", "SharedWorker", "BroadcastChannel"],
];

function layerRules() {
  return folders.flatMap((folder) => [
    { files: [`src/${folder}/**/*.ts`], rules: importRule(folder, {}) },
    ...(folder === "machine"
      ? [{ files: V86_FILES, rules: importRule(folder, { v86: true }) }]
      : []),
    ...NODE_FILES.filter((files) => files.startsWith(`src/${folder}/`)).map((files) => ({
      files: [files],
      rules: importRule(folder, { node: true }),
    })),
  ]);
}

function importRule(folder, { v86 = false, node = false }) {
  const forbidden = folders.filter((other) => other !== folder && !LAYERS[folder].includes(other));
  const mayStore = ["disk", "snapshot", "overlay"].includes(folder);
  const mayDraw = folder === "elements" || folder === "site";
  const paths = [
    !v86 && { name: "v86", message: "Only src/machine/v86*.ts import v86." },
    !mayStore && {
      name: "idb-keyval",
      message: "Only src/disk/, src/snapshot/ and src/overlay/ store.",
    },
  ];
  const patterns = [
    {
      group: forbidden.flatMap((other) => [`**/${other}/**`]),
      message: `src/${folder}/ may import only: ${LAYERS[folder].join(", ") || "nothing above it"}.`,
    },
    !mayDraw && {
      group: ["lit", "lit/*", "@xterm/*"],
      message: "Only elements and site draw.",
    },
    !node && {
      group: ["node:*"],
      message: "Only src/cli/ and src/host/node* run on Node alone.",
    },
  ];
  return {
    "no-restricted-imports": [
      "error",
      { paths: paths.filter(Boolean), patterns: patterns.filter(Boolean) },
    ],
  };
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
      // A hold that `using` releases at the end of its block.
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_" }],
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
  {
    files: ["src/machine/**/*.ts"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...PAGE_GLOBALS.map((name) => ({
          name,
          message: "A machine is handed what it needs of a page: src/machine/host.ts.",
        })),
      ],
    },
  },
);
