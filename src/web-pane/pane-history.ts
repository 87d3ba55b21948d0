/** Where the pane has been: its own back and forward, since the embedding page's history is not touched. */

const MAX_ENTRIES = 100;

export class PaneHistory {
  #entries: string[] = [];
  #at = -1;

  get current(): string | undefined {
    return this.#entries[this.#at];
  }
  get canGoBack(): boolean {
    return this.#at > 0;
  }
  get canGoForward(): boolean {
    return this.#at < this.#entries.length - 1;
  }

  /** The router's page is at `path`, whoever led it there. */
  arrive(path: string): void {
    if (path === this.current) return;
    this.#entries = [...this.#entries.slice(0, this.#at + 1), path].slice(-MAX_ENTRIES);
    this.#at = this.#entries.length - 1;
  }

  /** The page that was asked for led on to `path` at once. */
  replace(path: string): void {
    if (this.#at < 0) return this.arrive(path);
    // Back to where it came from: nothing was visited.
    if (this.#entries[this.#at - 1] === path) this.#entries.splice(this.#at--, 1);
    else this.#entries[this.#at] = path;
  }

  /** @returns the path to show */
  back(): string | undefined {
    if (this.canGoBack) this.#at--;
    return this.current;
  }

  /** @returns the path to show */
  forward(): string | undefined {
    if (this.canGoForward) this.#at++;
    return this.current;
  }
}
