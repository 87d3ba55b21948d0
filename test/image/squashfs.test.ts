import { expect } from "@esm-bundle/chai";
import { ImageError, type ImageProblem } from "../../src/image/image-error.js";
import { overlayOffset, readSuperblock } from "../../src/image/squashfs.js";
import { superblock } from "./disk-images.js";

function refusal(act: () => unknown): ImageProblem | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof ImageError) return error.code;
    throw error;
  }
  return undefined;
}

describe("a squashfs superblock", () => {
  it("tells compression, block size, number of inodes, time and size of the image", () => {
    expect(readSuperblock(superblock(), 4096)).to.deep.equal({
      compression: "xz",
      blockBytes: 131072,
      inodes: 7,
      made: 1_500_000_000,
      bytesUsed: 1000,
    });
  });

  it("is read from a view into a larger buffer", () => {
    const larger = new Uint8Array(200);
    larger.set(superblock(), 33);
    expect(readSuperblock(larger.subarray(33)).bytesUsed).to.equal(1000);
  });

  it("is refused when there are no bytes", () => {
    expect(refusal(() => readSuperblock(new Uint8Array()))).to.equal("empty");
    expect(refusal(() => readSuperblock(superblock(), 0))).to.equal("empty");
  });

  it("is refused when the magic number is another", () => {
    expect(refusal(() => readSuperblock(superblock({ magic: 0x68737173 })))).to.equal(
      "not-squashfs",
    );
    expect(refusal(() => readSuperblock(new Uint8Array(96)))).to.equal("not-squashfs");
    expect(refusal(() => readSuperblock(new Uint8Array(3)))).to.equal("not-squashfs");
  });

  it("is refused when it is cut", () => {
    expect(refusal(() => readSuperblock(superblock().subarray(0, 95)))).to.equal("truncated");
  });

  it("is refused when the image is shorter than it says", () => {
    expect(refusal(() => readSuperblock(superblock(), 999))).to.equal("truncated");
    expect(refusal(() => readSuperblock(superblock(), 1000))).to.equal(undefined);
  });

  it("is refused when the version is not 4.0", () => {
    expect(refusal(() => readSuperblock(superblock({ major: 3 })))).to.equal("unsupported");
    expect(refusal(() => readSuperblock(superblock({ minor: 1 })))).to.equal("unsupported");
  });

  for (const bytesUsed of [0n, 95n, 2n ** 53n, 2n ** 53n - 1n, 2n ** 63n, 2n ** 64n - 1n])
    it(`is refused when it gives ${bytesUsed.toString()} bytes as its size`, () => {
      expect(refusal(() => readSuperblock(superblock({ bytesUsed })))).to.equal("damaged");
    });

  it("is refused when its block sizes contradict each other or are out of range", () => {
    for (const fields of [
      { blockBytes: 131072, blockLog: 16 },
      { blockBytes: 100000, blockLog: 17 },
      { blockBytes: 2048, blockLog: 11 },
      { blockBytes: 2097152, blockLog: 21 },
      { blockBytes: 0, blockLog: 65535 },
    ])
      expect(refusal(() => readSuperblock(superblock(fields)))).to.equal("damaged");
  });

  it("is refused when the compression is unknown", () => {
    for (const compression of [0, 7, 65535])
      expect(refusal(() => readSuperblock(superblock({ compression })))).to.equal("damaged");
  });
});

describe("the overlay's place", () => {
  for (const [bytesUsed, offset] of [
    [96n, 65536],
    [65536n, 65536],
    [65537n, 131072],
    [2758694n, 2818048],
    [5_000_000_000n, 5_000_003_584],
  ] as const)
    it(`is byte ${offset} behind a squashfs of ${bytesUsed.toString()} bytes`, () => {
      expect(overlayOffset(superblock({ bytesUsed }))).to.equal(offset);
    });
});
