/**
 * A body's bytes over a MessagePort: the reader asks for each piece, so neither side queues more than one.
 *
 * Transferred streams would do the same where browsers have them; pieces do it everywhere, in one way that is tested.
 * Either way nobody is told when the other side is killed, as browsers kill service workers: whoever uses this must be
 * able to give up (see `worker-gone` in messages.ts).
 */

/** from the one who reads */
type Ask = { readonly type: "pull" } | { readonly type: "cancel" };
/** from the one who has the body */
type Piece =
  | { readonly type: "piece"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "end" }
  | { readonly type: "failed" };

/** @returns the port to hand to {@link receiveBody} in another context, which may cancel `body` */
export function sendBody(body: ReadableStream<Uint8Array<ArrayBuffer>>): MessagePort {
  const { port1: port, port2: theirs } = new MessageChannel();
  const reader = body.getReader();
  const post = (piece: Piece, transfer: Transferable[] = []) => port.postMessage(piece, transfer);
  const cancel = () => {
    port.close();
    reader.cancel().catch(() => undefined);
  };
  port.addEventListener("message", ({ data }: MessageEvent<Ask | null>) => {
    if (data?.type !== "pull") return cancel();
    reader.read().then(
      ({ done, value }) => {
        if (done) return post({ type: "end" });
        // A copy of a view would carry its whole buffer; a transfer of it would take what others still use.
        const bytes = value.byteLength === value.buffer.byteLength ? value : value.slice();
        post({ type: "piece", bytes }, [bytes.buffer]);
      },
      () => post({ type: "failed" }),
    );
  });
  port.start();
  return theirs;
}

/**
 * @param port what {@link sendBody} returned, possibly held by somebody who is not trusted: only bytes come out
 * @param lost what the stream fails with when the body breaks off
 */
export function receiveBody(
  port: MessagePort,
  lost: () => Error,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let arrived: (() => void) | undefined;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const fail = () => {
        port.close();
        controller.error(lost());
        arrived?.();
      };
      port.addEventListener("message", ({ data }: MessageEvent<Piece | null>) => {
        if (data?.type === "piece" && data.bytes instanceof Uint8Array)
          controller.enqueue(data.bytes);
        else if (data?.type === "end") {
          port.close();
          controller.close();
        } else fail();
        arrived?.();
      });
      port.start();
    },
    pull() {
      port.postMessage({ type: "pull" } satisfies Ask);
      return new Promise((resolve) => (arrived = resolve));
    },
    cancel() {
      port.postMessage({ type: "cancel" } satisfies Ask);
      port.close();
    },
  });
}
