/** Manifests and catalogues from anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCatalogue, parseCatalogue } from "../../src/firmware/catalogue.js";
import { FirmwareError } from "../../src/firmware/errors.js";
import { isName, parseManifest } from "../../src/firmware/manifest.js";
import { fuzz, type Random, spoil } from "./random.js";

const MANIFEST = JSON.stringify({
  format: 1,
  name: "demo",
  title: "Demo",
  version: "1.0",
  kernel: { name: "v86-6.12", bytes: 3_000_000, sha256: "a".repeat(64) },
  root: { file: "rootfs.squashfs", bytes: 2_800_000, sha256: "b".repeat(64) },
  diskBytes: 100_663_296,
});
const CATALOGUE = formatCatalogue([
  { name: "demo", title: "Demo" },
  { name: "openwrt-18.06.1", title: 'OpenWrt "18.06.1"' },
]);

const TOKENS = [
  ...[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "null",
    "true",
    "1e999",
    "-0",
    "1e-400",
    "9007199254740993",
  ],
  ...[
    '"__proto__":{"format":1}',
    '"format":2',
    '"constructor"',
    "\\ud800",
    "..",
    "../",
    "\0",
    "[[[[",
  ],
];

/** Values that stand where others are expected. */
const VALUES: readonly unknown[] = [
  ...[null, true, "", "..", "a/b", "x".repeat(1000), "\ud800", "__proto__", {}, [], [null], [[]]],
  ...[0, -1, 0.5, -0, 1, 2, 65536, 100_663_297, 2 ** 31, 2 ** 53, 1e300, { length: 1e9 }],
];

/** A spoilt copy of a JSON text: characters, tokens or whole values of it. */
function spoilt(text: string, random: Random): string {
  switch (random.below(8)) {
    case 0:
      return random.text(random.oneIn(50) ? 70_000 : 200);
    case 1:
      return new TextDecoder().decode(spoil(new TextEncoder().encode(text), random));
    case 2:
    case 3: {
      let changed = text;
      for (let changes = random.below(4); changes >= 0; changes--) {
        const at = random.below(changed.length);
        const token = random.pick(TOKENS).repeat(random.oneIn(100) ? 5000 : 1);
        changed = changed.slice(0, at) + token + changed.slice(at + random.below(8));
      }
      return changed;
    }
    default: {
      const value: unknown = JSON.parse(text);
      for (let changes = random.below(3); changes >= 0; changes--) changeValue(value, random);
      return JSON.stringify(value);
    }
  }
}

/** Replaces or drops one field somewhere inside. */
function changeValue(value: unknown, random: Random): void {
  if (typeof value !== "object" || value === null) return;
  const fields = value as Record<string, unknown>;
  const key = random.pick([...Object.keys(fields), "other"]);
  if (typeof fields[key] === "object" && !random.oneIn(3)) changeValue(fields[key], random);
  else if (random.oneIn(5)) Reflect.deleteProperty(fields, key);
  else fields[key] = random.oneIn(5) ? random.text(30) : structuredClone(random.pick(VALUES));
}

function outcome(read: () => void): string {
  try {
    read();
    return "read";
  } catch (error) {
    if (error instanceof FirmwareError) return error.problem;
    throw error;
  }
}

test("a manifest from anywhere is read or refused", async () => {
  await fuzz("manifest", (random) =>
    outcome(() => {
      const { name, title, kernel, root, diskBytes } = parseManifest(spoilt(MANIFEST, random));
      assert.ok([name, kernel.name, root.file].every(isName));
      assert.ok(title.length > 0 && title.length <= 200);
      assert.ok(Number.isSafeInteger(kernel.bytes) && kernel.bytes > 0 && kernel.bytes <= 2 ** 26);
      assert.ok(Number.isSafeInteger(root.bytes) && root.bytes > 0 && root.bytes < diskBytes);
      assert.ok(diskBytes <= 2 ** 30 && diskBytes % 65536 === 0);
      assert.match(kernel.sha256 + root.sha256, /^[0-9a-f]{128}$/);
    }),
  );
});

test("a catalogue from anywhere is read or refused", async () => {
  await fuzz("catalogue", (random) =>
    outcome(() => {
      const text = spoilt(CATALOGUE, random);
      const firmware = parseCatalogue(text);
      assert.ok(JSON.stringify(firmware).length <= text.length + 2);
      for (const { name, title } of firmware)
        assert.ok(isName(name) && title.length > 0 && title.length <= 200);
    }),
  );
});
