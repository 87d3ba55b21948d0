/** Every router that is stored in this browser, whatever its firmware, and what can be done with each. */
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { isName } from "../firmware/manifest.js";
import "./confirm-dialog.js";
import type { ConfirmDialog } from "./confirm-dialog.js";
import { download } from "./download.js";
import type { HeldRouter, RouterStore, StoredRouter } from "./router-store.js";
import { formatBytes, ROUTERS_TEXT, TEXT, unreadableText } from "./strings.js";
import { buttonStyles, fieldStyles } from "./styles.js";

/** Event "open": the person wants to have this router here. */
export class StoredRouterEvent extends Event {
  constructor(readonly router: StoredRouter) {
    super("open");
  }
}

/** What a new name is asked for. */
type Naming = "rename" | "duplicate";

/** Fires {@link StoredRouterEvent}, and "change" when what is stored has changed. */
@customElement("openwrt-stored-routers")
export class OpenwrtStoredRouters extends LitElement {
  static override styles = [
    buttonStyles,
    fieldStyles,
    css`
      :host {
        display: block;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        padding: 10px 0;
        border-top: 1px solid var(--playground-line);
      }
      h3 {
        margin: 0;
        font-size: 1em;
        overflow-wrap: anywhere;
      }
      h3 span {
        font-weight: 400;
        color: var(--playground-quiet);
      }
      p {
        margin: 2px 0 8px;
        font-size: 0.875em;
        line-height: 1.4;
        color: var(--playground-quiet);
      }
      .problem {
        color: var(--playground-danger);
      }
      .choices,
      form {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: 6px;
      }
      .choices button {
        padding-inline: 10px;
      }
      label {
        flex: 1 1 12em;
        display: grid;
        gap: 4px;
        font-size: 0.875em;
      }
      [role="status"]:empty {
        display: none;
      }
    `,
  ];

  /** Where they are. */
  @property({ attribute: false }) accessor store: RouterStore | undefined;

  @state() private accessor routers: readonly StoredRouter[] | undefined;
  /** the router that gets a name, or one like it */
  @state() private accessor naming: { of: StoredRouter; how: Naming; error?: string } | undefined;
  @state() private accessor asking: StoredRouter | undefined;
  /** what was done last, or went wrong */
  @state() private accessor message = "";
  @state() private accessor busy = false;

  @query("openwrt-confirm-dialog") private accessor confirmation!: ConfirmDialog;

  /** Reads again what is stored, and forgets what was being done. */
  async refresh(): Promise<void> {
    this.message = "";
    this.naming = undefined;
    await this.#list();
  }

  protected override render() {
    const { routers } = this;
    return html`
      <p role="status">${this.message}</p>
      ${
        routers?.length === 0
          ? html`<p>${ROUTERS_TEXT.none}</p>`
          : html`<ul aria-label=${ROUTERS_TEXT.title}>
              ${routers?.map((router) => this.#router(router))}
            </ul>`
      }
      <openwrt-confirm-dialog
        heading=${ROUTERS_TEXT.deleteTitle(this.asking?.name ?? "")}
        text=${ROUTERS_TEXT.deleteText}
        action=${ROUTERS_TEXT.deleteConfirm}
      ></openwrt-confirm-dialog>
    `;
  }

  #router(router: StoredRouter) {
    const { name, title, firmware, problem } = router;
    const { naming } = this;
    return html`<li>
      <h3>${name} <span>· ${title ?? ROUTERS_TEXT.unknownFirmware(firmware.slice(0, 8))}</span></h3>
      ${
        problem
          ? html`<p class="problem">${unreadableText(problem)}</p>`
          : html`<p>${describe(router)}</p>`
      }
      ${naming?.of === router ? this.#form(router, naming.how) : this.#choices(router)}
    </li>`;
  }

  #choices(router: StoredRouter) {
    const unreadable = router.problem !== undefined;
    const button = (label: string, run: () => void, disabled = unreadable) =>
      html`<button
        aria-label=${ROUTERS_TEXT.named(label, router.name)}
        ?disabled=${this.busy || disabled}
        @click=${run}
      >
        ${label}
      </button>`;
    return html`<div class="choices">
      ${button(ROUTERS_TEXT.open, () => this.dispatchEvent(new StoredRouterEvent(router)))}
      ${button(ROUTERS_TEXT.rename, () => this.#name(router, "rename"))}
      ${button(ROUTERS_TEXT.duplicate, () => this.#name(router, "duplicate"))}
      ${button(TEXT.saveCopy, () => void this.#save(router))}
      ${button(ROUTERS_TEXT.delete, () => void this.#delete(router), false)}
    </div>`;
  }

  #form(router: StoredRouter, how: Naming) {
    const error = this.naming?.error;
    return html`<form @submit=${this.#submit} @keydown=${this.#escape} novalidate>
      <label
        >${how === "rename" ? ROUTERS_TEXT.newName(router.name) : ROUTERS_TEXT.copyName(router.name)}
        <input
          name="name"
          .value=${how === "rename" ? router.name : `${router.name}-2`}
          aria-invalid=${error ? "true" : nothing}
          aria-describedby=${error ? "error" : nothing}
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
      /></label>
      <button class="primary" ?disabled=${this.busy}>
        ${how === "rename" ? ROUTERS_TEXT.renameConfirm : ROUTERS_TEXT.duplicateConfirm}
      </button>
      <button type="button" @click=${() => this.#stopNaming()}>${TEXT.cancel}</button>
      ${error ? html`<p class="problem" id="error">${error}</p>` : nothing}
    </form>`;
  }

  #name(of: StoredRouter, how: Naming): void {
    this.naming = { of, how };
    void this.updateComplete.then(() => {
      const input = this.renderRoot.querySelector<HTMLInputElement>("input");
      input?.focus();
      input?.select();
    });
  }

  /** The buttons come back, and the focus to the one that was used. */
  #stopNaming(): void {
    const { naming } = this;
    if (!naming) return;
    this.naming = undefined;
    const label = ROUTERS_TEXT.named(ROUTERS_TEXT[naming.how], naming.of.name);
    this.#focus((button) => button.ariaLabel === label);
  }

  /** Escape gives the naming up, and not the dialog around it. */
  readonly #escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.#stopNaming();
  };

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const { naming } = this;
    const input = this.renderRoot.querySelector<HTMLInputElement>("input");
    if (!naming || !input || this.busy) return;
    const { of, how } = naming;
    const name = input.value.trim();
    const taken = this.routers?.some(
      (router) => router.name === name && router.firmware === of.firmware,
    );
    const error = !isName(name)
      ? ROUTERS_TEXT.badName
      : taken && (how === "duplicate" || name !== of.name)
        ? ROUTERS_TEXT.takenName(name)
        : undefined;
    if (error) {
      this.naming = { ...naming, error };
      input.focus();
      return;
    }
    const done = await this.#do(of, async (held) => {
      await held[how](name);
      return how === "rename"
        ? ROUTERS_TEXT.renamed(of.name, name)
        : ROUTERS_TEXT.duplicated(of.name, name);
    });
    if (done) {
      this.naming = undefined;
      this.#focus((button) => button.ariaLabel === ROUTERS_TEXT.named(ROUTERS_TEXT[how], name));
    }
  };

  #save(router: StoredRouter): Promise<boolean> {
    return this.#do(router, async (held) => {
      download(await held.export(), `${router.name}.owpg`);
      return TEXT.copySaved;
    });
  }

  async #delete(router: StoredRouter): Promise<void> {
    this.asking = router;
    await this.updateComplete;
    // It is held while the question is asked: what is deleted is what was seen.
    const done = await this.#do(router, async (held) => {
      if (!(await this.confirmation.ask())) return "";
      await held.delete();
      return ROUTERS_TEXT.deleted(router.name);
    });
    if (done && this.message) this.#focus(() => true);
  }

  /** @returns whether it was done; if not, the message says why */
  async #do(router: StoredRouter, work: (held: HeldRouter) => Promise<string>): Promise<boolean> {
    if (!this.store || this.busy) return false;
    this.busy = true;
    this.message = "";
    let held: HeldRouter | undefined;
    try {
      held = await this.store.open(router.name, router.firmware);
      this.message = await work(held);
      return true;
    } catch (error) {
      this.message = error instanceof Error ? error.message : String(error);
      return false;
    } finally {
      await held?.close().catch(() => undefined);
      this.busy = false;
      await this.#list();
      this.dispatchEvent(new Event("change"));
    }
  }

  async #list(): Promise<void> {
    try {
      this.routers = (await this.store?.list()) ?? [];
    } catch (error) {
      this.routers = undefined;
      this.message = error instanceof Error ? error.message : String(error);
    }
    await this.updateComplete;
  }

  #focus(wanted: (button: HTMLButtonElement) => boolean): void {
    void this.updateComplete.then(() => {
      [...this.renderRoot.querySelectorAll<HTMLButtonElement>("button:enabled")]
        .find(wanted)
        ?.focus();
    });
  }
}

function describe({ bytes, memoryBytes, changed, inUse }: StoredRouter): string {
  const size = ROUTERS_TEXT.size(
    formatBytes(bytes),
    memoryBytes > 0 ? formatBytes(memoryBytes) : "",
  );
  const when = changed?.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  return [size, when && ROUTERS_TEXT.changed(when), inUse && ROUTERS_TEXT.inUse]
    .filter((part) => typeof part === "string")
    .join(" · ");
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-stored-routers": OpenwrtStoredRouters;
  }
}
