/** Exported overlays from anywhere. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ArchiveError } from "../../src/overlay/archive-error.js";
import { crc32 } from "../../src/common/crc32.js";
import { readArchive, writeArchive } from "../../src/overlay/archive.js";
import { type Bytes, fuzz, type Random, spoil } from "./random.js";

const CHUNK = 512;
const SHAPE = {
  overlay: "default",
  root: "ab".repeat(32),
  diskBytes: 16 * CHUNK,
  chunkBytes: CHUNK,
};
const INDEXES = [1, 2, 9];
const JSON_AT = 20;
const SHA256_BYTES = 32;

const VALUES: readonly unknown[] = [
  ...[null, true, "", {}, [], "x".repeat(300), "cd".repeat(32), "default"],
  ...[0, 1, 2, 3, 4, 16, 17, -1, 0.5, 512, 8192, 2 ** 31, 2 ** 32, 2 ** 53, 1e300],
];

/** A blob that counts what is read from it. */
class CountingBlob extends Blob {
  constructor(
    parts: Blob[],
    private readonly read: { bytes: number },
  ) {
    super(parts);
  }
  override slice(start?: number, end?: number): Blob {
    return new CountingBlob([super.slice(start, end)], this.read);
  }
  override arrayBuffer(): Promise<ArrayBuffer> {
    this.read.bytes += this.size;
    return super.arrayBuffer();
  }
  override stream() {
    this.read.bytes += this.size;
    return super.stream();
  }
}

async function outcome(bytes: Bytes): Promise<string> {
  const read = { bytes: 0 };
  try {
    const chunks = await readArchive(new CountingBlob([new Blob([bytes])], read), SHAPE);
    assert.ok(chunks.size <= 16);
    for (const [index, chunk] of chunks) {
      assert.ok(Number.isInteger(index) && index >= 0 && index < 16);
      assert.equal(chunk.length, CHUNK);
      assert.equal(chunk.buffer.byteLength, CHUNK);
    }
    return "read";
  } catch (error) {
    if (error instanceof ArchiveError) return error.problem;
    throw error;
  } finally {
    // The prefix, the header, all of it for the digest, and the body again.
    assert.ok(read.bytes <= 4 * bytes.length, `${read.bytes} bytes of ${bytes.length} read`);
  }
}

/** Puts a file together, with right checksums. */
function together(good: Bytes, json: Uint8Array, body: Uint8Array): Bytes {
  const bytes = new Uint8Array(JSON_AT + json.length + 4 + body.length + SHA256_BYTES);
  const jsonEnd = JSON_AT + json.length;
  bytes.set(good.subarray(0, 16));
  bytes.set(json, JSON_AT);
  bytes.set(body, jsonEnd + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, json.length, true);
  view.setUint32(jsonEnd, crc32(bytes.subarray(0, jsonEnd)), true);
  const end = bytes.length - SHA256_BYTES;
  bytes.set(createHash("sha256").update(bytes.subarray(0, end)).digest(), end);
  return bytes;
}

test("an exported overlay from anywhere is read or refused", async () => {
  const chunks = new Map(
    INDEXES.map((index) => [index, Uint8Array.from({ length: CHUNK }, (_, at) => at * index)]),
  );
  const good = new Uint8Array(await (await writeArchive(SHAPE, chunks)).arrayBuffer());
  const jsonEnd = JSON_AT + new DataView(good.buffer).getUint32(16, true);
  const json = good.slice(JSON_AT, jsonEnd);
  const fields = JSON.parse(new TextDecoder().decode(json)) as Record<string, unknown>;
  const body = good.slice(jsonEnd + 4, good.length - SHA256_BYTES);
  const records = new Uint8Array(
    INDEXES.flatMap((index) => {
      const chunk = chunks.get(index) ?? new Uint8Array();
      return [...new Uint8Array(new Uint32Array([index, crc32(chunk)]).buffer), ...chunk];
    }),
  );
  const headers = INDEXES.flatMap((_, at) => [at * (CHUNK + 8), at * (CHUNK + 8) + 4]);
  const encode = (value: object) => new TextEncoder().encode(JSON.stringify(value));

  function spoiltHeader(random: Random): Bytes {
    if (random.oneIn(4)) return together(good, spoil(json, random), body);
    const key = random.pick(Object.keys(fields));
    return together(good, encode({ ...fields, [key]: random.pick(VALUES) }), body);
  }

  /** Right checksums around a spoilt body; half the time one that can be decompressed. */
  function spoiltBody(random: Random): Bytes {
    if (random.oneIn(2)) {
      const changed = spoil(body, random);
      return together(good, encode({ ...fields, bodyBytes: changed.length }), changed);
    }
    let changed = spoil(records, random, headers);
    // Announced to the point as what it is, and right in every checksum, or a bomb.
    if (random.oneIn(20)) changed = new Uint8Array([...changed, ...new Uint8Array(2 ** 18)]);
    const view = new DataView(changed.buffer);
    for (let at = 0; at + CHUNK + 8 <= changed.length && random.oneIn(2); at += CHUNK + 8)
      view.setUint32(at + 4, crc32(changed.subarray(at + 8, at + 8 + CHUNK)), true);
    const compressed = gzipSync(changed, { level: 1 });
    return together(good, encode({ ...fields, bodyBytes: compressed.length }), compressed);
  }

  await fuzz("export", async (random) => {
    switch (random.below(8)) {
      case 0:
        return outcome(random.bytes(random.below(1000)));
      case 1:
        return outcome(spoiltHeader(random));
      case 2:
      case 3:
        return outcome(spoiltBody(random));
      default: {
        const spoilt = spoil(good, random);
        const ended = await outcome(spoilt);
        if (ended === "read") assert.deepEqual(spoilt, good, "a change was not noticed");
        return ended;
      }
    }
  });
});
