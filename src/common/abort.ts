/** Waiting that can be given up. */

/**
 * @returns what the promise settles with, or a rejection with the signal's reason once that aborts, whichever is first.
 *   The work behind the promise goes on; stopping it is the business of whoever does it
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
