/**
 * The disk's write cache: chunks that the router changed and that are not stored yet.
 *
 * They are gathered into batches; a batch is one commit, and begins only after the one before it is stored. So what is
 * stored is at every moment the disk as it was after some number of the router's writes, in their order. A chunk that
 * is written again before its batch begins costs nothing more.
 */
import { deferred, type Deferred } from "../common/deferred.js";
import type { Chunk, Chunks } from "./chunk-store.js";

/**
 * How long a batch gathers writes when nobody waits for it, in milliseconds: long enough to store a block that a
 * filesystem writes again and again only once, short enough that a router whose plug is pulled loses as little as a
 * real one, which writes back within seconds.
 */
const GATHER_MS = 50;
/**
 * How many chunks end the gathering early. Storing goes on beside a long write and should not wait for its end; but
 * every transaction costs the browser a few milliseconds of a core that the router may need (32 against 128 chunks:
 * a tenth of a 32 MiB write).
 */
const GATHER_CHUNKS = 128;

interface Batch {
  readonly chunks: Map<number, Chunk>;
  /** whether it is to be stored as soon as the one before it is; until then it goes on gathering */
  ripe: boolean;
  /** settled when the batch is stored */
  readonly stored: Deferred<void>;
}

export class WriteBack {
  #gathering: Batch | undefined;
  #committing: Batch | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #holds = 0;
  #commits = 0;

  /** @param commit stores these chunks and does not fail: it resolves when they are stored, however long that takes */
  constructor(private readonly commit: (chunks: Chunks) => Promise<void>) {}

  /** Whether everything is stored. */
  get clean(): boolean {
    return !this.#gathering && !this.#committing;
  }

  /** Number of chunks that wait for a commit; those of the commit under way are not among them. */
  get waiting(): number {
    return this.#gathering?.chunks.size ?? 0;
  }

  /** How many batches were stored. */
  get commits(): number {
    return this.#commits;
  }

  /** The newest content of a chunk that is not stored yet; not to be changed. */
  get(index: number): Chunk | undefined {
    return this.#gathering?.chunks.get(index) ?? this.#committing?.chunks.get(index);
  }

  /** A chunk that is not stored yet, to be changed at once. */
  edit(index: number): Chunk | undefined {
    const gathered = this.#gathering?.chunks.get(index);
    if (gathered) return gathered;
    const committing = this.#committing?.chunks.get(index)?.slice();
    if (committing) this.add(index, committing);
    return committing;
  }

  /** Takes over a chunk's new content, as part of a write that {@link written} ends. It may be changed until its batch begins, by {@link edit} only. */
  add(index: number, chunk: Chunk): void {
    if (!this.#gathering) {
      this.#gathering = { chunks: new Map(), ripe: false, stored: deferred() };
      this.#timer = setTimeout(() => this.#ripen(), GATHER_MS);
    }
    this.#gathering.chunks.set(index, chunk);
  }

  /** A write is complete: nothing is stored by half. Begins a batch when enough has gathered. */
  written(): void {
    if (this.waiting >= GATHER_CHUNKS) this.#ripen();
  }

  /** Resolves when everything added so far is stored; does not wait to gather more. */
  flush(): Promise<void> {
    const last = this.#gathering ?? this.#committing;
    if (!last) return Promise.resolve();
    this.#ripen();
    return last.stored.promise;
  }

  /** Runs `work`, and begins no batch meanwhile; the one under way may be stored. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#holds++;
    try {
      return await work();
    } finally {
      this.#holds--;
      this.#begin();
    }
  }

  /** All chunks that are not stored yet; not to be changed. */
  chunks(): Map<number, Chunk> {
    return new Map([...(this.#committing?.chunks ?? []), ...(this.#gathering?.chunks ?? [])]);
  }

  /** What has gathered is stored as soon as nothing is in its way. */
  #ripen(): void {
    if (this.#gathering) this.#gathering.ripe = true;
    this.#begin();
  }

  #begin(): void {
    const batch = this.#gathering;
    if (!batch?.ripe || this.#committing || this.#holds > 0) return;
    clearTimeout(this.#timer);
    this.#committing = batch;
    this.#gathering = undefined;
    void this.commit(batch.chunks).then(() => {
      this.#committing = undefined;
      this.#commits++;
      batch.stored.resolve();
      this.#begin();
    });
  }
}
