/** A question that must be answered before something is lost; the safe answer has the focus. */
import { css, html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { buttonStyles, dialogStyles } from "./styles.js";
import { TEXT } from "./strings.js";

@customElement("openwrt-confirm-dialog")
export class ConfirmDialog extends LitElement {
  static override styles = [
    buttonStyles,
    dialogStyles,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        justify-content: flex-end;
        gap: 8px;
      }
    `,
  ];

  @property() accessor heading = "";
  @property() accessor text = "";
  /** label of the answer that goes ahead */
  @property() accessor action = "";

  @query("dialog") private accessor dialog!: HTMLDialogElement;

  /** Asks. @returns whether the person goes ahead; Escape and Cancel do not */
  ask(): Promise<boolean> {
    const { dialog } = this;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  protected override render() {
    return html`<dialog aria-labelledby="heading" aria-describedby="text">
      <h2 id="heading">${this.heading}</h2>
      <p id="text">${this.text}</p>
      <form method="dialog">
        <button value="no" autofocus>${TEXT.cancel}</button>
        <button value="yes" class="danger">${this.action}</button>
      </form>
    </dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-confirm-dialog": ConfirmDialog;
  }
}
