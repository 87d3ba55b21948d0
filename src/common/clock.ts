/** Time that is handed in, so that tests can drive it. Everything in milliseconds. */
import { deferred } from "./deferred.js";

export interface Clock {
  /** milliseconds since some moment; never goes back */
  now(): number;
  /**
   * @param milliseconds `Infinity`: never
   * @returns what calls it off
   */
  after(milliseconds: number, run: () => void): () => void;
}

/** Longest delay of a timer; HTML's timers take a longer one for none at all. */
const MAX_DELAY = 2 ** 31 - 1;

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  after(milliseconds, run) {
    if (milliseconds === Infinity) return () => undefined;
    const timer = setTimeout(run, Math.min(milliseconds, MAX_DELAY));
    return () => clearTimeout(timer);
  },
};

/** Resolves after that time. @throws the signal's reason, at once when it aborts */
export async function sleep(
  clock: Clock,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const over = deferred();
  const abort = () => over.reject(signal?.reason as Error);
  signal?.addEventListener("abort", abort, { once: true });
  const cancel = clock.after(milliseconds, () => over.resolve());
  try {
    await over.promise;
  } finally {
    cancel();
    signal?.removeEventListener("abort", abort);
  }
}

export interface TimeLimit {
  readonly clock: Clock;
  /** from now; `Infinity`: none */
  readonly milliseconds: number;
  /** what the work is aborted with when its time is over */
  readonly late: () => Error;
  /** aborts the work as well */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does work under a signal that aborts when its time is over, or when the caller's does.
 *
 * @throws what the work throws; the signal's reason when it was aborted before it began
 */
export async function withTimeLimit<T>(
  { clock, milliseconds, late, signal }: TimeLimit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  const abort = () => limit.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const cancel = clock.after(milliseconds, () => limit.abort(late()));
  try {
    return await work(limit.signal);
  } finally {
    cancel();
    signal?.removeEventListener("abort", abort);
  }
}
