/** The last bytes of a stream. */
export class ByteTail {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @param most how many bytes are kept */
  constructor(private readonly most: number) {}

  push(bytes: Uint8Array): void {
    this.#parts.push(bytes.slice());
    this.#length += bytes.length;
    while (this.#length - (this.#parts[0]?.length ?? 0) >= this.most)
      this.#length -= this.#parts.shift()?.length ?? 0;
  }

  /** A copy of them. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes.slice(-this.most);
  }
}
