/** Asks for the name and the password that the router's web server wants (HTTP Basic). */
import { css, html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import { WEB_TEXT } from "./strings.js";
import { buttonStyles } from "./styles.js";

/** Event "signin". */
export class SignInEvent extends Event {
  constructor(
    readonly user: string,
    readonly password: string,
  ) {
    super("signin");
  }
}

@customElement("openwrt-web-sign-in")
export class WebSignIn extends LitElement {
  static override styles = [
    buttonStyles,
    css`
      :host {
        position: absolute;
        inset: 0;
        overflow: auto;
        display: grid;
        place-items: center;
        padding: 16px;
        background: var(--playground-surface);
      }
      form {
        display: grid;
        gap: 12px;
        width: min(20rem, 100%);
      }
      p {
        margin: 0;
      }
      label {
        display: grid;
        gap: 4px;
        font-size: 0.875rem;
      }
      input {
        min-height: 36px;
        min-width: 0;
        padding: 4px 10px;
        font: inherit;
        border: 1px solid var(--playground-line);
        border-radius: 6px;
        color: var(--playground-text);
        background: var(--playground-surface);
      }
      input:focus-visible {
        outline: 2px solid var(--playground-accent);
        outline-offset: 1px;
      }
      div {
        display: flex;
        justify-content: flex-end;
        gap: 8px;
      }
    `,
  ];

  protected override firstUpdated(): void {
    this.renderRoot.querySelector<HTMLInputElement>("[name=password]")?.focus();
  }

  protected override render() {
    // The browser's password store is for this site, not for a router in it.
    return html`<form @submit=${this.#submit} autocomplete="off">
      <p>${WEB_TEXT.signInText}</p>
      <label>${WEB_TEXT.userName}<input name="user" value="root" autocomplete="off" /></label>
      <label
        >${WEB_TEXT.password}<input name="password" type="password" autocomplete="new-password"
      /></label>
      <div>
        <button type="button" @click=${() => this.dispatchEvent(new Event("dismiss"))}>
          ${WEB_TEXT.dismiss}</button
        ><button class="primary">${WEB_TEXT.signIn}</button>
      </div>
    </form>`;
  }

  readonly #submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const text = (name: string) => {
      const value = fields.get(name);
      return typeof value === "string" ? value : "";
    };
    this.dispatchEvent(new SignInEvent(text("user"), text("password")));
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-web-sign-in": WebSignIn;
  }
}
