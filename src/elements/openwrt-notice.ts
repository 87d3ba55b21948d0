/** A notice over the console, with its choices. */
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Notice } from "./notices.js";
import { TEXT } from "./strings.js";
import { buttonStyles } from "./styles.js";

@customElement("openwrt-notice")
export class OpenwrtNotice extends LitElement {
  static override styles = [
    buttonStyles,
    css`
      :host {
        position: absolute;
        inset: 0;
        overflow: auto;
        background: color-mix(in srgb, var(--playground-surface) 92%, transparent);
      }
      .card {
        box-sizing: border-box;
        min-height: 100%;
        display: flex;
        flex-direction: column;
        align-items: center;
        justify-content: center;
        gap: 14px;
        padding: 16px;
        text-align: center;
        line-height: 1.5;
      }
      .card > * {
        max-width: 38em;
        margin: 0;
      }
      h2 {
        font-size: 1.125em;
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: 8px;
      }
      .plain button {
        min-height: 48px;
        padding: 8px 28px;
        font-size: 1.0625em;
      }
      details {
        width: 100%;
        text-align: left;
      }
      pre {
        overflow: auto;
        max-height: 12em;
        padding: 8px;
        border: 1px solid var(--playground-line);
        font-size: 0.75em;
      }
    `,
  ];

  @property({ attribute: false }) accessor notice: Notice | undefined;

  protected override render() {
    const { notice } = this;
    if (!notice) return nothing;
    const { heading, text, details = [], actions, urgent } = notice;
    return html`<div class="card ${heading ? "" : "plain"}" role=${urgent ? "alert" : nothing}>
      ${heading ? html`<h2>${heading}</h2>` : nothing} ${heading ? html`<p>${text}</p>` : nothing}
      ${
        details.length > 0
          ? html`<details>
              <summary>${TEXT.details}</summary>
              <pre tabindex="0">${details.join("\n")}</pre>
            </details>`
          : nothing
      }
      <div class="choices">
        ${actions.map(
          ({ label, run }, at) =>
            html`<button class=${at === 0 ? "primary" : ""} @click=${run}>${label}</button>`,
        )}
      </div>
      ${heading ? nothing : html`<p>${text}</p>`}
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-notice": OpenwrtNotice;
  }
}
