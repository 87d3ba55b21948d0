/**
 * A TCP connection as web streams.
 *
 * Closing `writable` sends what is queued and then FIN; aborting it, or cancelling `readable`, resets the connection.
 * `readable` ends at the peer's FIN and fails with a {@link NetworkError} when the connection is lost. Both hold back:
 * a reader that does not read closes the TCP window, a writer waits for the peer's.
 */
export interface ByteStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}
