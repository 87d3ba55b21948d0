/**
 * The console and the web interface of a router: one at a time in tabs, or side by side where there is room.
 *
 * Slots "console" and "web". A view that is not seen keeps its size, or the terminal would tell the router another one.
 */
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, queryAll, state } from "lit/decorators.js";
import { WEB_TEXT } from "./strings.js";
import { buttonStyles } from "./styles.js";

/** From this width on, in CSS pixels, both fit beside each other: 80 columns, and a page as on a small tablet. */
const WIDE = 900;
const VIEWS = ["console", "web"] as const;
type View = (typeof VIEWS)[number];

/** Fires "webshown" when the web interface is seen. */
@customElement("openwrt-views")
export class OpenwrtViews extends LitElement {
  static override styles = [
    buttonStyles,
    css`
      :host {
        flex: 1;
        min-height: 0;
        display: flex;
        flex-direction: column;
      }
      .head {
        display: flex;
        align-items: center;
        gap: 4px;
        padding: 6px 10px 0;
        border-bottom: 1px solid var(--playground-line);
      }
      [role="tablist"] {
        display: flex;
        gap: 4px;
      }
      [role="tab"] {
        min-height: 34px;
        margin-bottom: -1px;
        border-color: transparent transparent var(--playground-line);
        border-radius: 6px 6px 0 0;
        color: var(--playground-quiet);
      }
      [role="tab"][aria-selected="true"] {
        border-color: var(--playground-line) var(--playground-line) var(--playground-surface);
        color: var(--playground-text);
        font-weight: 600;
      }
      [role="tab"]:focus-visible {
        outline-offset: -3px;
      }
      .both {
        margin: 0 0 6px auto;
        min-height: 30px;
        padding: 2px 10px;
      }
      .views {
        flex: 1;
        min-height: 0;
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
      }
      .views > div {
        grid-area: 1 / 1;
        min-width: 0;
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
      }
      .views > .unseen {
        visibility: hidden;
      }
      .views.beside {
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
      }
      .beside > [data-view="web"] {
        grid-column: 2;
        border-left: 1px solid var(--playground-line);
      }
    `,
  ];

  /** Whether there is a web interface to show. Default false: the console alone. */
  @property({ type: Boolean }) accessor web = false;

  @state() private accessor view: View = "console";
  @state() private accessor wide = false;
  @state() private accessor wantsBoth = false;
  @queryAll("[role=tab]") private accessor tabs!: NodeListOf<HTMLElement>;
  readonly #widths = new ResizeObserver(() => (this.wide = this.clientWidth >= WIDE));

  override connectedCallback(): void {
    super.connectedCallback();
    this.#widths.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#widths.disconnect();
  }

  protected override updated(): void {
    if (this.#sees("web")) this.dispatchEvent(new Event("webshown"));
  }

  protected override render() {
    const beside = this.#beside;
    return html`
      ${this.web ? this.#head(beside) : nothing}
      <div class="views ${beside ? "beside" : ""}">
        ${VIEWS.filter((view) => this.web || view === "console").map((view) =>
          this.#panel(view, beside),
        )}
      </div>
    `;
  }

  get #beside(): boolean {
    return this.web && this.wide && this.wantsBoth;
  }

  #sees(view: View): boolean {
    return this.web ? this.#beside || this.view === view : view === "console";
  }

  #head(beside: boolean) {
    return html`<div class="head">
      ${
        beside
          ? nothing
          : html`<div role="tablist" aria-label=${WEB_TEXT.views} @keydown=${this.#arrows}>
              ${VIEWS.map((view) => this.#tab(view))}
            </div>`
      }
      ${
        this.wide
          ? html`<button
              class="both"
              aria-pressed=${beside ? "true" : "false"}
              @click=${() => (this.wantsBoth = !this.wantsBoth)}
            >
              ${WEB_TEXT.both}
            </button>`
          : nothing
      }
    </div>`;
  }

  #tab(view: View) {
    const selected = this.view === view;
    return html`<button
      role="tab"
      id="tab-${view}"
      aria-controls="panel-${view}"
      aria-selected=${selected ? "true" : "false"}
      tabindex=${selected ? 0 : -1}
      @click=${() => (this.view = view)}
    >
      ${WEB_TEXT[view]}
    </button>`;
  }

  #panel(view: View, beside: boolean) {
    const tab = this.web && !beside;
    return html`<div
      id="panel-${view}"
      data-view=${view}
      class=${this.#sees(view) ? "" : "unseen"}
      role=${tab ? "tabpanel" : this.web ? "region" : nothing}
      aria-labelledby=${tab ? `tab-${view}` : nothing}
      aria-label=${!tab && this.web ? WEB_TEXT[view] : nothing}
    >
      <slot name=${view}></slot>
    </div>`;
  }

  /** With two tabs every arrow leads to the other one. */
  readonly #arrows = async (event: KeyboardEvent): Promise<void> => {
    if (event.key === "Home") this.view = "console";
    else if (event.key === "End") this.view = "web";
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight")
      this.view = this.view === "web" ? "console" : "web";
    else return;
    event.preventDefault();
    await this.updateComplete;
    this.tabs[VIEWS.indexOf(this.view)]?.focus();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-views": OpenwrtViews;
  }
}
