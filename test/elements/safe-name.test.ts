import { expect } from "@esm-bundle/chai";
import fc from "fast-check";
import { safeFileName } from "../../src/elements/safe-name.js";

describe("name for a file in the router", () => {
  it("is the file's own where that is harmless", () => {
    for (const name of ["a.txt", "größe.tar.gz", "文件", "openwrt-18.06.1_x86@2+b=c,d.img"])
      expect(safeFileName(name)).to.equal(name);
  });

  it("is something like it where it is not", () => {
    const expected = {
      "my file (1).txt": "my_file_1_.txt",
      "../../etc/passwd": "passwd",
      "C:\\Users\\me\\x.bin": "x.bin",
      "-rf": "rf",
      ".profile": "profile",
      "..": "file",
      "": "file",
      "'; reboot; '": "_reboot_",
      "a\nb\0c": "a_b_c",
      "e\u0301.txt": "é.txt",
    };
    for (const [name, safe] of Object.entries(expected)) expect(safeFileName(name)).to.equal(safe);
  });

  it("never needs quotes, is never hidden, empty, a path or longer than Linux allows", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (name) => {
        const safe = safeFileName(name);
        expect(/^[\p{L}\p{M}\p{N}_+@=,][\p{L}\p{M}\p{N}._+@=,-]*$/u.test(safe), safe).to.equal(
          true,
        );
        expect(new TextEncoder().encode(safe).length).to.be.within(1, 200);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps the extension of a long one", () => {
    expect(safeFileName(`${"ü".repeat(300)}.tar.gz`)).to.match(/^ü{98}\.gz$/);
  });
});
