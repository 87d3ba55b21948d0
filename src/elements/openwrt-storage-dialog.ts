/** What is stored of a router, how safe it is there, and copies of it: out and in. */
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Machine } from "../machine/machine.js";
import type { StorageReport } from "../machine/storage-report.js";
import { download } from "./download.js";
import { type OpenwrtStoredRouters, StoredRouterEvent } from "./openwrt-stored-routers.js";
import type { RouterStore } from "./router-store.js";
import { keptMemoryText, ROUTERS_TEXT, savedText, TEXT } from "./strings.js";
import { buttonStyles, dialogStyles } from "./styles.js";

/** Fires {@link StoredRouterEvent} when the person wants to have another router. */
@customElement("openwrt-storage-dialog")
export class OpenwrtStorageDialog extends LitElement {
  static override styles = [
    buttonStyles,
    dialogStyles,
    css`
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        margin-bottom: 16px;
      }
      input[type="file"] {
        display: none;
      }
      label {
        display: flex;
        gap: 8px;
        align-items: baseline;
      }
      .hint {
        margin-top: 4px;
      }
      /* In sight, however long the list is. */
      form {
        position: sticky;
        bottom: -20px;
        display: flex;
        justify-content: flex-end;
        margin: 0 -20px -20px;
        padding: 12px 20px;
        background: var(--playground-surface);
      }
      h2 ~ h2 {
        margin-top: 24px;
      }
      openwrt-stored-routers {
        margin-bottom: 16px;
      }
    `,
  ];

  /** Whose storage is shown. */
  @property({ attribute: false }) accessor machine: Machine | undefined;
  @property({ attribute: false }) accessor storage: StorageReport | undefined;

  /** Every router that is stored here. Default: none is listed. */
  @property({ attribute: false }) accessor store: RouterStore | undefined;

  /** what was done last, or is being done */
  @state() private accessor message = "";
  @state() private accessor busy = false;

  @query("dialog") private accessor dialog!: HTMLDialogElement;
  @query("input[type=file]") private accessor file!: HTMLInputElement;
  @query("openwrt-stored-routers") private accessor routers!: OpenwrtStoredRouters | null;

  show(): void {
    this.message = "";
    this.dialog.showModal();
    void this.routers?.refresh();
  }

  close(): void {
    this.dialog.close();
  }

  /** Answers what was just asked for. */
  say(message: string): void {
    this.message = message;
  }

  /** Hands the person a file with everything the router changed. */
  saveCopy(): void {
    void this.#do(async (machine) => {
      download(
        await machine.exportOverlay(),
        `${machine.firmware}-${machine.overlay ?? "copy"}.owpg`,
      );
      // A sandbox without allow-downloads swallows them, and tells nobody.
      return window.parent === window ? TEXT.copySaved : TEXT.copySavedInFrame;
    });
  }

  protected override render() {
    const { storage } = this;
    const memory = storage?.durability === "memory";
    return html`<dialog aria-labelledby="heading">
      <h2 id="heading">${TEXT.storageTitle}</h2>
      <p>${storage ? (memory ? TEXT.notSaved : savedText(storage.bytes)) : TEXT.savedNothing}</p>
      <p>${memory ? nothing : storage?.persisted ? TEXT.persisted : TEXT.notPersisted}</p>
      ${memory ? nothing : this.#keptMemory(storage?.memoryBytes ?? 0)}
      <div class="actions">
        <button ?disabled=${this.busy} @click=${() => this.saveCopy()}>${TEXT.saveCopy}</button>
        <button ?disabled=${this.busy} @click=${() => this.file.click()}>
          ${TEXT.restoreCopy}
        </button>
        <button ?disabled=${this.busy} @click=${this.#saveDisk}>${TEXT.saveDisk}</button>
        <input type="file" accept=".owpg" aria-label=${TEXT.restoreCopy} @change=${this.#restore} />
      </div>
      <p>${TEXT.copyExplained}</p>
      <p role="status">${this.message}</p>
      ${
        this.store
          ? html`<h2>${ROUTERS_TEXT.title}</h2>
              <openwrt-stored-routers
                .store=${this.store}
                @open=${this.#open}
              ></openwrt-stored-routers>`
          : nothing
      }
      <form method="dialog"><button autofocus>${TEXT.close}</button></form>
    </dialog>`;
  }

  #keptMemory(bytes: number) {
    const keep = this.machine?.keepMemory ?? true;
    return html`<label>
        <input
          type="checkbox"
          aria-describedby="kept"
          .checked=${keep}
          @change=${this.#keepMemory}
        />
        ${TEXT.keepMemory}
      </label>
      <p class="hint" id="kept">
        ${!keep ? TEXT.keepsNoMemory : bytes > 0 ? keptMemoryText(bytes) : TEXT.keepsMemory}
      </p>`;
  }

  readonly #open = ({ router }: StoredRouterEvent): void => {
    this.dispatchEvent(new StoredRouterEvent(router));
  };

  readonly #keepMemory = ({ target }: Event): void => {
    if (this.machine) this.machine.keepMemory = (target as HTMLInputElement).checked;
    this.requestUpdate();
  };

  readonly #saveDisk = (): void => {
    void this.#do(async (machine) => {
      download(await machine.exportDisk(), `${machine.firmware}-disk.img`);
      return TEXT.diskSaved;
    });
  };

  readonly #restore = (): void => {
    const file = this.file.files?.[0];
    this.file.value = "";
    if (file)
      void this.#do(async (machine) => {
        await machine.importOverlay(file);
        return TEXT.copyRestored;
      });
  };

  async #do(work: (machine: Machine) => Promise<string>): Promise<void> {
    if (!this.machine || this.busy) return;
    this.busy = true;
    this.message = TEXT.working;
    try {
      this.message = await work(this.machine);
    } catch (error) {
      this.message = error instanceof Error ? error.message : String(error);
    }
    this.busy = false;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-storage-dialog": OpenwrtStorageDialog;
  }
}
