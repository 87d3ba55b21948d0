import { expect, test } from "./fixtures.js";
import { Lan } from "./lan.js";
import { serveFiles } from "./router-files.js";

const SMALL = [0, 1, 1459, 1460, 1461, 4096, 20_000, 65_535, 65_536, 65_537];
const LARGE = [300_000, 1_048_576];
/** Every so many requests it is a large file, or what a program writes. */
const LARGE_EVERY = 40;
const PROGRAM_EVERY = 25;
const PROGRAM_BYTES = 100_000;

test("1,000 requests one after the other and 200 at once come back whole", async ({
  page,
  router,
}) => {
  test.setTimeout(900_000);
  const lan = new Lan(page);
  await lan.answers("/", 60_000);
  const sha256 = await serveFiles(router, [...SMALL, ...LARGE]);
  const program = `/cgi-bin/stream?bytes=${PROGRAM_BYTES}`;
  sha256[program] = (await router.output(`head -c ${PROGRAM_BYTES} /dev/zero | sha256sum`)).replace(
    / .*/,
    "",
  );
  const requests = Array.from({ length: 1000 }, (_, number) => {
    if (number % LARGE_EVERY === 7) return file(LARGE, number);
    return number % PROGRAM_EVERY === 3 ? program : file(SMALL, number);
  });

  await test.step("in sequence", async () => {
    expect(await lan.fetchAll(requests, sha256, false)).toEqual({ whole: 1000, wrong: [] });
  });
  await test.step("at once", async () => {
    const some = requests.slice(0, 200);
    expect(await lan.fetchAll(some, sha256, true)).toEqual({ whole: 200, wrong: [] });
  });
  await test.step("and leave no program behind in the router", async () => {
    await expect.poll(() => router.output("ps | grep -c '[h]ttpd -f'")).toBe("1");
  });
});

function file(sizes: readonly number[], number: number): string {
  return `/files/${sizes[number % sizes.length] ?? 0}`;
}
