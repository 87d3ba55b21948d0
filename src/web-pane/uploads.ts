/**
 * Gathers the bodies of what the guest's pages send: a CGI program needs to be told a length before.
 *
 * Pages may send as much and as often as they like, so memory is bounded for all of it together: small bodies have a
 * share each, and one large one is gathered at a time, until the router has it.
 */
import { abortable } from "../common/abort.js";
import { receiveStream } from "../common/byte-port.js";
import { type Bytes, concat } from "../common/bytes.js";
import { Semaphore } from "../common/limit.js";
import { NetworkError } from "../network/errors.js";

/** A router of 128 MB takes no larger body. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** What each body may have in memory without waiting: forms, and the calls of LuCI's scripts. */
const SMALL_BODY_BYTES = 256 * 1024;

/** Larger than {@link MAX_BODY_BYTES}. */
export class BodyTooLarge extends Error {}

export class Uploads {
  readonly #large = new Semaphore(1);

  /**
   * Gathers a body and has it used; its memory counts until that is done.
   *
   * @param port on which the body comes, see `sendStream`; whoever sends is not trusted
   * @throws {BodyTooLarge}; {@link NetworkError} `reset` when the body breaks off; the signal's reason; what `use` throws
   */
  async gather<T>(
    port: MessagePort,
    signal: AbortSignal,
    use: (body: Bytes) => Promise<T>,
  ): Promise<T> {
    const lost = (cause?: unknown) =>
      new NetworkError("reset", "what was being sent broke off", { cause });
    const body = receiveStream(port, { lost });
    const reader = body.readable.getReader();
    const pieces: Bytes[] = [];
    let release: (() => void) | undefined;
    try {
      for (let length = 0; ;) {
        const { done, value } = await abortable(reader.read(), signal);
        if (done) break;
        pieces.push(value);
        length += value.length;
        if (length > MAX_BODY_BYTES) throw new BodyTooLarge();
        if (length > SMALL_BODY_BYTES) release ??= await this.#large.acquire(signal);
      }
      return await use(concat(pieces.splice(0)));
    } catch (error) {
      body.fail(error as Error);
      throw error;
    } finally {
      release?.();
    }
  }
}
