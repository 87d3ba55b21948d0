import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sharedPageFinder } from "../../src/cli/find-shared-pages.js";
import { encodeSharedPages, PAGE_BYTES, readSharedPages } from "../../src/snapshot/shared-pages.js";
import { makeFolder, routerSquashfs } from "./project.js";

/** Half of it can be compressed, so that its blocks are; none is like another. */
function program(bytes: number): Buffer {
  return Buffer.from(randomBytes(bytes / 2).toString("hex"), "latin1");
}

function squashfsOf(files: Record<string, Buffer>, compression: string): Uint8Array<ArrayBuffer> {
  const folder = makeFolder();
  mkdirSync(join(folder, "bin"));
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, "bin", name), content);
  return new Uint8Array(routerSquashfs(compression, folder));
}

const busybox = program(600_000 - (600_000 % 2));
// A file that cannot be compressed lies in the image as it is, between blocks that are.
const key = randomBytes(300_000);
const libc = program(500_000);

/** A memory with pages of both programs among pages of something else. */
function memoryWithPages(): { memory: Uint8Array; shared: number[] } {
  const memory = new Uint8Array(256 * PAGE_BYTES);
  const put = (page: number, from: Buffer, at: number) =>
    memory.set(from.subarray(at * PAGE_BYTES, (at + 1) * PAGE_BYTES), page * PAGE_BYTES);
  for (let page = 0; page < 100; page++) put(page + 20, busybox, page);
  for (let page = 0; page < 50; page++) put(250 - page, libc, page + 3);
  memory.set(randomBytes(PAGE_BYTES * 10), 5 * PAGE_BYTES);
  const shared = [
    ...Array.from({ length: 100 }, (_, page) => page + 20),
    ...Array.from({ length: 50 }, (_, page) => 201 + page),
  ];
  return { memory, shared };
}

test("finds the pages of a gzip squashfs in a memory, and what it finds comes back the same", async () => {
  const root = squashfsOf({ busybox, key, libc }, "gzip");
  const { memory, shared } = memoryWithPages();
  const blocks = sharedPageFinder(root)(memory);
  const found = blocks
    .flatMap(({ pages }) => pages.map(({ guest }) => guest))
    .sort((a, b) => a - b);
  assert.deepEqual(found, shared);
  const without = memory.slice();
  for (const guest of found) without.fill(0, guest * PAGE_BYTES, (guest + 1) * PAGE_BYTES);
  const list = encodeSharedPages(blocks).buffer;
  for (const { address, content } of await readSharedPages(list, root.buffer, memory.length))
    without.set(content, address);
  assert.deepEqual(without, memory);
});

test("finds the end of a file, which goes on with zeros in the memory", async () => {
  const root = squashfsOf({ libc }, "gzip");
  const tail = libc.subarray(Math.floor(libc.length / PAGE_BYTES) * PAGE_BYTES);
  const memory = new Uint8Array(4 * PAGE_BYTES);
  memory.set(tail, PAGE_BYTES);
  const blocks = sharedPageFinder(root)(memory);
  // mksquashfs may put it into a fragment with others; then it is no page of a block.
  for (const { address, content } of await readSharedPages(
    encodeSharedPages(blocks).buffer,
    root.buffer,
    memory.length,
  ))
    assert.deepEqual(
      [address, Buffer.from(content)],
      [PAGE_BYTES, Buffer.from(memory.subarray(PAGE_BYTES, PAGE_BYTES + content.length))],
    );
});

test("leaves a memory as it is, and finds nothing where browsers could not read it", () => {
  const { memory } = memoryWithPages();
  const before = memory.slice();
  for (const compression of ["xz", "zstd"])
    assert.deepEqual(sharedPageFinder(squashfsOf({ busybox, libc }, compression))(memory), []);
  sharedPageFinder(squashfsOf({ busybox }, "gzip"))(memory);
  assert.deepEqual(memory, before);
});
