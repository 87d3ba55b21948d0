/**
 * Routers of elements that are out of the page and may come back: frameworks and drag and drop take an element out and
 * put it in again, in the same task or a later one, and a router that was ended by that would have to start anew. Who
 * comes for the same router does not wait for it.
 */
import { type Clock, REAL_CLOCK } from "../common/clock.js";

/** How long an element may be away, in milliseconds: a transition from one view of a page to another. */
const MAX_MS = 1000;

/** by router: what ends it */
const away = new Map<string, Set<Absence>>();

export class Absence {
  #router: string | undefined;
  #callOff: (() => void) | undefined;

  /** @param end ends the element's router for good */
  constructor(
    private readonly end: () => Promise<void>,
    private readonly clock: Clock = REAL_CLOCK,
  ) {}

  /** The element was taken out of the page. @param router what tells its router from others */
  begin(router: string): void {
    this.over();
    this.#router = router;
    away.set(router, (away.get(router) ?? new Set()).add(this));
    this.#callOff = this.clock.after(MAX_MS, () => void this.#end());
  }

  /** The element is back. */
  over(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#router === undefined) return;
    const others = away.get(this.#router);
    others?.delete(this);
    if (others?.size === 0) away.delete(this.#router);
    this.#router = undefined;
  }

  /** Somebody else wants this router: whoever is away with it has to let it go. */
  static async recall(router: string): Promise<void> {
    await Promise.all([...(away.get(router) ?? [])].map((absence) => absence.#end()));
  }

  #end(): Promise<void> {
    this.over();
    return this.end();
  }
}
