/** How many tests a suite ran, read from what it printed. */

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Of `node --test` with the TAP reporter. */
export function tapCount(output: string): Count {
  const number = (word: string) =>
    Number(new RegExp(`^# ${word} (\\d+)`, "m").exec(output)?.[1] ?? 0);
  return {
    passed: number("pass"),
    failed: number("fail") + number("cancelled"),
    skipped: number("skipped") + number("todo"),
  };
}

/** Of web-test-runner, and of the project's own programs: "N passed, N failed", the last time it was said. */
export function runnerCount(output: string): Count {
  const said = [...output.matchAll(/(\d+) passed, (\d+) failed(?:, (\d+) skipped)?/g)].at(-1) ?? [];
  const [, passed, failed, skipped] = said;
  return {
    passed: Number(passed ?? 0),
    failed: Number(failed ?? 0),
    skipped: Number(skipped ?? 0),
  };
}

/** Of Playwright's JSON report. One that passed only at a second try has passed. */
export function playwrightCount(report: string): Count & { readonly flaky: number } {
  const { stats } = JSON.parse(report) as {
    stats: { expected: number; unexpected: number; flaky: number; skipped: number };
  };
  const { expected, unexpected, flaky, skipped } = stats;
  return { passed: expected + flaky, failed: unexpected, skipped, flaky };
}

/**
 * @param code exit code of the suite
 * @returns the count, with one more failure when the suite failed without one, or when nothing in it ran: then it was not
 *   a good one, whatever it says
 */
export function judged(count: Count, code: number): Count {
  const isGood = count.failed > 0 || (code === 0 && count.passed > 0);
  return isGood ? count : { ...count, failed: 1 };
}
