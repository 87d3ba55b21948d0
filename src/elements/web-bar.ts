/** The address bar of the router's pages: back, forward, reload, and the path, which can be typed. */
import { css, html, LitElement, svg } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { WEB_TEXT } from "./strings.js";
import { buttonStyles } from "./styles.js";

const ICONS = {
  back: svg`<path d="M15 5l-7 7 7 7" />`,
  forward: svg`<path d="M9 5l7 7-7 7" />`,
  reload: svg`<path d="M19 12a7 7 0 1 1-2.3-5.2M19 3v5h-5" />`,
};

/** Event "go": the person typed a path. */
export class GoEvent extends Event {
  constructor(readonly path: string) {
    super("go");
  }
}

/** Fires "back", "forward", "reload" and "go". */
@customElement("openwrt-web-bar")
export class WebBar extends LitElement {
  static override styles = [
    buttonStyles,
    css`
      form {
        display: flex;
        align-items: center;
        gap: 6px;
        padding: 6px 10px;
        border-bottom: 1px solid var(--playground-line);
      }
      button {
        display: grid;
        place-items: center;
        flex: none;
        width: 36px;
        padding: 0;
      }
      svg {
        width: 18px;
        height: 18px;
        fill: none;
        stroke: currentcolor;
        stroke-width: 2;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
      input {
        flex: 1;
        min-width: 0;
        min-height: 36px;
        box-sizing: border-box;
        padding: 4px 10px;
        font: inherit;
        font-size: 0.875em;
        border: 1px solid var(--playground-line);
        border-radius: 6px;
        color: var(--playground-text);
        background: var(--playground-surface);
      }
      input:focus-visible {
        outline: 2px solid var(--playground-accent);
        outline-offset: 1px;
      }
      input:disabled {
        opacity: 0.6;
      }
    `,
  ];

  @property() accessor path = "/";
  @property({ type: Boolean }) accessor canGoBack = false;
  @property({ type: Boolean }) accessor canGoForward = false;
  @property({ type: Boolean }) accessor disabled = false;

  @query("input") private accessor input!: HTMLInputElement;

  protected override render() {
    const { canGoBack, canGoForward, disabled } = this;
    return html`<form aria-label=${WEB_TEXT.navigation} @submit=${this.#submit} novalidate>
      ${this.#button("back", disabled || !canGoBack)}
      ${this.#button("forward", disabled || !canGoForward)} ${this.#button("reload", disabled)}
      <input
        aria-label=${WEB_TEXT.path}
        .value=${this.path}
        ?disabled=${disabled}
        @keydown=${this.#escape}
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        inputmode="url"
        enterkeyhint="go"
      />
    </form>`;
  }

  #button(name: keyof typeof ICONS, disabled: boolean) {
    return html`<button
      type="button"
      aria-label=${WEB_TEXT[name]}
      title=${WEB_TEXT[name]}
      ?disabled=${disabled}
      @click=${() => this.dispatchEvent(new Event(name))}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>
    </button>`;
  }

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    this.dispatchEvent(new GoEvent(this.input.value.trim()));
  };

  /** Escape brings back where the page is, as in browsers. */
  readonly #escape = (event: KeyboardEvent): void => {
    if (event.key === "Escape") this.input.value = this.path;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-web-bar": WebBar;
  }
}
