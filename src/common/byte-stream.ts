import type { Bytes } from "./bytes.js";

/**
 * Bytes both ways, as web streams.
 *
 * Both directions hold back: who does not read stops the one who writes. Closing `writable` says that no more comes and
 * leaves `readable` as it is; aborting `writable`, or cancelling `readable`, gives up that direction.
 */
export interface ByteStream {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
}
