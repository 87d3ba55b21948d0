import assert from "node:assert/strict";
import { test } from "node:test";
import { judged, playwrightCount, runnerCount, tapCount } from "../../scripts/lib/counts.js";

test("counts what node --test printed", () => {
  const output = "# tests 9\n# pass 4\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 1\n";
  assert.deepEqual(tapCount(output), { passed: 4, failed: 2, skipped: 3 });
});

test("counts what was said last", () => {
  const output = "Chrome: 1 passed, 0 failed\n...\nChrome: 30 passed, 2 failed, 1 skipped\n";
  assert.deepEqual(runnerCount(output), { passed: 30, failed: 2, skipped: 1 });
  assert.deepEqual(runnerCount("3 passed, 0 failed"), { passed: 3, failed: 0, skipped: 0 });
});

test("counts what Playwright reported", () => {
  const stats = { expected: 5, unexpected: 1, flaky: 2, skipped: 3 };
  const count = playwrightCount(JSON.stringify({ stats }));
  assert.deepEqual(count, { passed: 7, failed: 1, skipped: 3, flaky: 2 });
});

test("takes a suite for good only when it ended well and something ran", () => {
  const count = { passed: 1, failed: 0, skipped: 0 };
  assert.deepEqual(judged(count, 0), count);
  assert.equal(judged(count, 1).failed, 1);
  assert.equal(judged({ passed: 0, failed: 0, skipped: 0 }, 0).failed, 1);
  assert.equal(judged({ passed: 0, failed: 0, skipped: 7 }, 0).failed, 1);
  assert.equal(judged({ passed: 0, failed: 3, skipped: 0 }, 1).failed, 3);
});
