/**
 * Copies one stream into another, like `pipeTo`, except that a failure of either is passed on at once: `pipeTo` first
 * waits for the writes under way, and a router that stops reading lets them wait for ever.
 *
 * @throws what a stream failed with or was cancelled with, or the signal's reason
 */
export async function pump<Chunk>(
  readable: ReadableStream<Chunk>,
  writable: WritableStream<Chunk>,
  signal?: AbortSignal,
): Promise<void> {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  let end: () => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    const cut = (reason: Error) => {
      reject(reason);
      writer.abort(reason).catch(() => undefined);
      reader.cancel(reason).catch(() => undefined);
    };
    reader.closed.catch(cut);
    writer.closed.catch(cut);
    const aborted = () => cut(signal?.reason as Error);
    signal?.addEventListener("abort", aborted, { once: true });
    if (signal?.aborted) aborted();
    end = () => signal?.removeEventListener("abort", aborted);
  });
  const copy = async () => {
    for (;;) {
      await writer.ready;
      const { done, value } = await reader.read();
      if (done) break;
      await writer.write(value);
    }
    await writer.close();
  };
  try {
    await Promise.race([failed, copy()]);
  } finally {
    end();
  }
}
