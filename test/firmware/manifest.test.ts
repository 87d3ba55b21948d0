import { expect } from "@esm-bundle/chai";
import { parseCatalogue, formatCatalogue } from "../../src/firmware/catalogue.js";
import { FirmwareError } from "../../src/firmware/errors.js";
import { identify } from "../../src/firmware/identity.js";
import { isName, isSamePc, parseManifest } from "../../src/firmware/manifest.js";

const GOOD = {
  format: 1,
  name: "demo",
  title: "Demo",
  version: "1.0",
  kernel: { name: "v86-6.12", bytes: 3_000_000, sha256: "a".repeat(64) },
  root: { file: "rootfs.squashfs", bytes: 2_800_000, sha256: "b".repeat(64) },
  diskBytes: 100_663_296,
};

function refusal(text: string): string {
  try {
    parseManifest(text);
    return "accepted";
  } catch (error) {
    if (error instanceof FirmwareError) return error.problem;
    throw error;
  }
}

const changed = (change: object) => refusal(JSON.stringify({ ...GOOD, ...change }));

describe("a manifest", () => {
  it("is read, and what it does not know is ignored", () => {
    const kernel = { ...GOOD.kernel, later: 1 };
    expect(parseManifest(JSON.stringify({ ...GOOD, kernel, later: true }))).to.deep.equal(GOOD);
  });

  it("of a newer format says that the page is older than the firmware", () => {
    expect(changed({ format: 2 })).to.equal("newer");
    expect(() => parseManifest('{"format":7}')).to.throw(/This page is older than the firmware/);
  });

  it("is refused when it is not one JSON object", () => {
    for (const text of ["", "{", "null", "[]", '"x"', "<!doctype html>"])
      expect(refusal(text), text).to.equal("manifest");
  });

  it("is refused when it is larger than 64 KiB", () => {
    expect(refusal(JSON.stringify(GOOD).padEnd(64 * 1024))).to.equal("accepted");
    expect(refusal(JSON.stringify(GOOD).padEnd(64 * 1024 + 1))).to.equal("manifest");
  });

  it("is refused when a field is missing", () => {
    for (const key of Object.keys(GOOD))
      expect(changed({ [key]: undefined }), key).to.equal("manifest");
    for (const part of ["kernel", "root"] as const)
      for (const key of Object.keys(GOOD[part]))
        expect(changed({ [part]: { ...GOOD[part], [key]: undefined } }), key).to.equal("manifest");
  });

  it("is refused when a field has another type", () => {
    for (const key of Object.keys(GOOD))
      for (const value of [
        null,
        [],
        {},
        true,
        "",
        key === "title" || key === "version" ? 1 : "x y",
      ])
        expect(changed({ [key]: value }), `${key}: ${JSON.stringify(value)}`).to.equal("manifest");
  });

  it("is refused when a name could lead elsewhere", () => {
    for (const file of ["../x", "a/b", "a..b", ".hidden", "", "a b", "firmware.json", "A"])
      expect(changed({ root: { ...GOOD.root, file } }), file).to.equal("manifest");
    expect(changed({ kernel: { ...GOOD.kernel, name: "../../x" } })).to.equal("manifest");
  });

  it("is refused when a digest is not 64 lower-case hex digits", () => {
    for (const sha256 of ["", "a".repeat(63), "a".repeat(65), "A".repeat(64), "g".repeat(64)])
      expect(changed({ root: { ...GOOD.root, sha256 } }), sha256).to.equal("manifest");
  });

  it("is refused when a size is not a whole number within the limits", () => {
    for (const bytes of [0, -1, 0.5, 2 ** 53, "1", NaN, 64 * 1024 * 1024 + 1])
      expect(changed({ kernel: { ...GOOD.kernel, bytes } })).to.equal("manifest");
    expect(changed({ root: { ...GOOD.root, bytes: 512 * 1024 * 1024 + 1 } })).to.equal("manifest");
  });

  it("is refused when the disk is too small, too large or uneven", () => {
    for (const diskBytes of [2_818_048, 1024 ** 3 + 65536, 100_663_297, 100_663_296 + 4096])
      expect(changed({ diskBytes }), `${diskBytes}`).to.equal("manifest");
    expect(changed({ diskBytes: 2_818_048 + 65536 })).to.equal("accepted");
    expect(changed({ diskBytes: 1024 ** 3 })).to.equal("accepted");
  });
});

describe("a manifest's factory state", () => {
  const FACTORY = {
    pc: { v86: "0.5.462", devices: 1, memoryBytes: 134_217_728, kernel: "a".repeat(64) },
    state: { file: "factory-state.zst", bytes: 4_000_000, sha256: "c".repeat(64) },
    pages: { file: "factory-pages.bin", bytes: 5000, sha256: "e".repeat(64) },
    chunks: { file: "factory-chunks.bin", bytes: 4000, sha256: "d".repeat(64) },
  };

  it("is read, and is no part of the firmware's identity", async () => {
    const parsed = parseManifest(JSON.stringify({ ...GOOD, factory: FACTORY }));
    expect(parsed.factory).to.deep.equal(FACTORY);
    const without = parseManifest(JSON.stringify(GOOD));
    expect(without).not.to.have.property("factory");
    expect(await identify(parsed)).to.deep.equal(await identify(without));
  });

  it("is none when it does not say of which kernel it is, as those of older versions", () => {
    const pc = { ...FACTORY.pc, kernel: undefined };
    const parsed = parseManifest(JSON.stringify({ ...GOOD, factory: { ...FACTORY, pc } }));
    expect(parsed).to.deep.equal(GOOD);
  });

  it("fits only a PC of the same make that runs the same kernel", () => {
    expect(isSamePc(FACTORY.pc, { ...FACTORY.pc })).to.equal(true);
    for (const other of [
      { v86: "0.5.463" },
      { devices: 2 },
      { memoryBytes: 1 },
      { kernel: "b".repeat(64) },
    ])
      expect(isSamePc(FACTORY.pc, { ...FACTORY.pc, ...other }), JSON.stringify(other)).to.equal(
        false,
      );
  });

  it("is refused when a part is missing or is something else", () => {
    for (const factory of [null, 1, "x", [], {}])
      expect(changed({ factory }), JSON.stringify(factory)).to.equal("manifest");
    for (const part of ["pc", "state", "pages", "chunks"] as const) {
      // A state that is whole has no list of pages beside it.
      const without = changed({ factory: { ...FACTORY, [part]: undefined } });
      expect(without, part).to.equal(part === "pages" ? "accepted" : "manifest");
      for (const key of Object.keys(FACTORY[part]))
        for (const value of [undefined, null, "", -1, 0.5]) {
          if (key === "kernel" && value === undefined) continue;
          const factory = { ...FACTORY, [part]: { ...FACTORY[part], [key]: value } };
          expect(changed({ factory }), `${part}.${key}: ${String(value)}`).to.equal("manifest");
        }
    }
  });

  it("is refused when it could lead elsewhere or be too large", () => {
    for (const change of [{ file: "../x" }, { file: "a/b" }, { bytes: 256 * 1024 * 1024 + 1 }])
      for (const part of ["state", "pages", "chunks"] as const) {
        const factory = { ...FACTORY, [part]: { ...FACTORY[part], ...change } };
        expect(changed({ factory }), JSON.stringify(change)).to.equal("manifest");
      }
  });
});

describe("a manifest's earlier kernels", () => {
  it("are read", () => {
    const earlierKernels = ["c".repeat(64)];
    const parsed = parseManifest(JSON.stringify({ ...GOOD, earlierKernels }));
    expect(parsed.earlierKernels).to.deep.equal(earlierKernels);
  });

  it("are refused when they are no short list of digests", () => {
    const many = Array.from({ length: 9 }, () => "c".repeat(64));
    for (const earlierKernels of [null, "c".repeat(64), {}, ["c"], [1], many])
      expect(changed({ earlierKernels }), JSON.stringify(earlierKernels)).to.equal("manifest");
  });
});

describe("a firmware's identity", () => {
  const identity = (change: object) =>
    identify(parseManifest(JSON.stringify({ ...GOOD, ...change })));

  it("is root and kernel, and a title for people", async () => {
    const { root, kernel, title } = await identity({});
    expect(root).to.equal("b".repeat(64));
    expect(kernel).to.equal("a".repeat(64));
    expect(title).to.equal("Demo 1.0");
  });

  it("has what root and kernel were called together: with its kernel, earlier ones, and those of this project", async () => {
    const { former } = await identity({ earlierKernels: ["c".repeat(64)] });
    // printf 'openwrt-playground firmware 1\nkernel %s\nroot %s\n' KERNEL bb… | sha256sum
    expect(former).to.deep.equal([
      "f1910cfc3e1579c11b7c5b6bfd4986f5bd880f664df5321391af602a2e1197d2",
      "cfd280968fd79d325c28975534ec664dfda62a6262a719c31947ac45ac17e534",
      "c19635f527b18f76010e6c81ff76affce94933140bdcf54660917d3a24a2c147",
      "34805a75bb98648026f7d7af6e539f1a89c3a01077e256396cc04db49fcd6b9b",
    ]);
  });

  it("names no kernel twice", async () => {
    const sha256 = "3f42ff65d3cdbe6d48c909538ee6f359dc3e9066ec1194f7a4e12b849084256f";
    const { former } = await identity({ kernel: { ...GOOD.kernel, sha256 } });
    expect(former).to.have.length(2);
  });
});

describe("a name", () => {
  it("is a short, safe path segment", () => {
    for (const name of ["demo", "openwrt-23.05.5", "a", "0", "a_b", "a".repeat(64)])
      expect(isName(name), name).to.equal(true);
    for (const name of ["", ".", "..", "a..b", "a/b", "-a", "A", "a b", "é", "a\n", "a".repeat(65)])
      expect(isName(name), name).to.equal(false);
  });
});

describe("a catalogue", () => {
  it("is read back as it was written", () => {
    const firmware = [
      { name: "demo", title: "Demo" },
      { name: "openwrt-18.06.1", title: 'OpenWrt "18.06.1"' },
    ];
    expect(parseCatalogue(formatCatalogue(firmware))).to.deep.equal(firmware);
  });

  it("is refused when it is damaged or newer", () => {
    for (const text of ["", "{}", '{"format":1}', '{"format":1,"firmware":[null]}'])
      expect(() => parseCatalogue(text), text).to.throw(FirmwareError);
    expect(() => parseCatalogue('{"format":1,"firmware":[{"name":"..","title":"x"}]}')).to.throw(
      FirmwareError,
    );
    expect(() => parseCatalogue('{"format":2}')).to.throw(/older/);
  });
});
