/** Whether the router's web server answers. */
import { NetworkError } from "../network/errors.js";
import type { HttpExchange } from "../network/http-message.js";

/** How long one try may take, and the pauses between tries: the first, their growth and their limit. Milliseconds. */
const TRY_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const GROWTH = 1.5;
const LAST_PAUSE_MS = 4000;

/** Whether port 80 answers now, whatever it answers. */
export async function answers(exchange: HttpExchange, signal: AbortSignal): Promise<boolean> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]);
  const request = { method: "HEAD", port: 80, target: "/", headers: [], body: null };
  try {
    const { body } = await exchange(request, limited);
    await body?.cancel();
    return true;
  } catch (error) {
    return error instanceof NetworkError && error.problem === "protocol";
  }
}

/** Resolves when port 80 answers, with `true`, or when `signal` aborted, with `false`. */
export async function serverAnswers(exchange: HttpExchange, signal: AbortSignal): Promise<boolean> {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause *= GROWTH) {
    if (await answers(exchange, signal)) return !signal.aborted;
    await new Promise<void>((resolve) => {
      const go = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", go);
        resolve();
      };
      const timer = setTimeout(go, Math.min(pause, LAST_PAUSE_MS));
      signal.addEventListener("abort", go);
    });
  }
  return false;
}
