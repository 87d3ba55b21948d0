/** Files that are being put into the router's /tmp, one after the other: how far each is, and where it lies then. */
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ConsoleMachine } from "./console-machine.js";
import type { Dropped } from "./dropped-files.js";
import { TEXT, UPLOAD_TEXT } from "./strings.js";
import { buttonStyles } from "./styles.js";
import { putIntoTmp } from "./upload.js";

/** More at once is a folder that somebody selected the content of. */
const MAX_FILES = 20;

interface Item {
  readonly name: string;
  readonly bytes: number;
  readonly cancel: AbortController;
  written: number;
  /** what there is to say about it when it is over */
  outcome?: string;
}

@customElement("openwrt-uploads")
export class OpenwrtUploads extends LitElement {
  static override styles = [
    buttonStyles,
    css`
      :host {
        display: block;
      }
      ul {
        display: grid;
        gap: 6px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 1fr auto;
        align-items: center;
        gap: 4px 10px;
        padding: 6px 6px 6px 12px;
        border: 1px solid var(--playground-line);
        border-radius: 6px;
        font-size: 0.875em;
        overflow-wrap: anywhere;
        color: var(--playground-text);
        background: var(--playground-surface);
        box-shadow: 0 2px 8px rgb(0 0 0 / 20%);
      }
      button {
        font-size: 1em;
      }
      progress {
        width: 100%;
      }
    `,
  ];

  /** Whose /tmp it is. */
  @property({ attribute: false }) accessor machine: ConsoleMachine | undefined;

  @state() private accessor items: readonly Item[] = [];
  /** the files before, which each one waits for */
  #queue: Promise<void> = Promise.resolve();

  /** Takes what was dropped; what cannot be taken is answered with a sentence. */
  add({ files, folders }: Dropped): void {
    for (const folder of folders) this.#refuse(folder, UPLOAD_TEXT.folder(folder));
    if (files.length > MAX_FILES) this.#refuse("", UPLOAD_TEXT.tooMany(MAX_FILES));
    else for (const file of files) this.#add(file);
  }

  protected override render() {
    return html`<ul aria-label=${UPLOAD_TEXT.list}>
      ${this.items.map((item) => this.#item(item))}
    </ul>`;
  }

  #item(item: Item) {
    const { name, bytes, written, outcome, cancel } = item;
    const over = outcome !== undefined;
    return html`<li>
      <span role="status">${over ? outcome : UPLOAD_TEXT.writing(name, bytes)}</span>
      <button
        aria-label=${over ? UPLOAD_TEXT.dismissNamed(name) : UPLOAD_TEXT.cancelNamed(name)}
        @click=${() => (over ? this.#dismiss(item) : cancel.abort())}
      >
        ${over ? UPLOAD_TEXT.dismiss : TEXT.cancel}
      </button>
      ${over ? nothing : html`<progress aria-label=${name} max=${bytes} .value=${written}></progress>`}
    </li>`;
  }

  #refuse(name: string, outcome: string): void {
    this.items = [
      ...this.items,
      { name, bytes: 0, written: 0, cancel: new AbortController(), outcome },
    ];
  }

  #add(file: File): void {
    const { machine } = this;
    if (machine?.state !== "running") {
      this.#refuse(file.name, UPLOAD_TEXT.off(file.name));
      return;
    }
    const item = { name: file.name, bytes: file.size, written: 0, cancel: new AbortController() };
    this.items = [...this.items, item];
    this.#queue = this.#queue.then(() => this.#put(machine, file, item));
  }

  async #put(machine: ConsoleMachine, file: File, item: Item): Promise<void> {
    const { signal } = item.cancel;
    try {
      const path = await putIntoTmp(machine, file, {
        signal,
        onProgress: (written) => {
          item.written = written;
          this.requestUpdate();
        },
      });
      item.outcome = UPLOAD_TEXT.done(path, file.size);
    } catch (error) {
      if (signal.aborted) item.outcome = UPLOAD_TEXT.cancelled(file.name);
      else item.outcome = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  #dismiss(item: Item): void {
    this.items = this.items.filter((each) => each !== item);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-uploads": OpenwrtUploads;
  }
}
