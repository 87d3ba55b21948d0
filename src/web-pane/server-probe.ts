/** Whether the router's web server answers. */
import { type Clock, REAL_CLOCK, sleep, withTimeLimit } from "../common/clock.js";
import { NetworkError } from "../network/errors.js";
import type { HttpExchange } from "../network/http-message.js";

/** How long one try may take, and the pauses between tries: the first, their growth and their limit. Milliseconds. */
const TRY_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const GROWTH = 1.5;
const LAST_PAUSE_MS = 4000;

/** Whether port 80 answers now, whatever it answers. Never rejects. */
export async function serverAnswers(
  exchange: HttpExchange,
  signal: AbortSignal,
  clock: Clock = REAL_CLOCK,
): Promise<boolean> {
  const request = { method: "HEAD", port: 80, target: "/", headers: [], body: null };
  const late = () => new NetworkError("timeout");
  try {
    return await withTimeLimit({ clock, milliseconds: TRY_MS, late, signal }, async (limited) => {
      const { body } = await exchange(request, limited);
      await body?.cancel();
      return true;
    });
  } catch (error) {
    return error instanceof NetworkError && error.problem === "protocol";
  }
}

/** Resolves with `true` when port 80 answers, and with `false` when `signal` aborted. */
export async function untilServerAnswers(
  exchange: HttpExchange,
  signal: AbortSignal,
  clock: Clock = REAL_CLOCK,
): Promise<boolean> {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause *= GROWTH) {
    if (await serverAnswers(exchange, signal, clock)) return !signal.aborted;
    await sleep(clock, Math.min(pause, LAST_PAUSE_MS), signal).catch(() => undefined);
  }
  return false;
}
