/** How far a start is: a bar with the name of the stage, and bytes while fetching. */
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ProgressStage } from "../machine/events.js";
import { fetchedText, STAGE_TEXT } from "./strings.js";

const STAGES: readonly ProgressStage[] = ["fetch", "kernel", "preinit", "services", "ready"];

@customElement("openwrt-progress")
export class OpenwrtProgress extends LitElement {
  static override styles = css`
    :host {
      display: block;
      padding: 8px 14px 10px;
      font-size: 0.875em;
    }
    label {
      display: flex;
      flex-direction: column;
      gap: 6px;
    }
    progress {
      appearance: none;
      width: 100%;
      height: 6px;
      border: 0;
      border-radius: 3px;
      overflow: hidden;
      background: var(--playground-line);
    }
    progress::-webkit-progress-bar {
      background: var(--playground-line);
    }
    progress::-webkit-progress-value {
      background: var(--playground-accent);
      transition: width 0.2s;
    }
    progress::-moz-progress-bar {
      background: var(--playground-accent);
    }
    @media (prefers-reduced-motion: reduce) {
      progress::-webkit-progress-value {
        transition: none;
      }
    }
  `;

  @property() accessor stage: ProgressStage = "fetch";
  /** bytes fetched, in stage `fetch` */
  @property({ type: Number }) accessor loaded = 0;
  /** bytes to fetch, in stage `fetch` */
  @property({ type: Number }) accessor total = 0;

  protected override render() {
    const fetching = this.stage === "fetch";
    const part = fetching && this.total > 0 ? this.loaded / this.total : 0;
    const text = fetching ? fetchedText(this.loaded, this.total) : `${STAGE_TEXT[this.stage]}…`;
    return html`<label
      ><span>${text}</span>
      <progress max=${STAGES.length - 1} .value=${STAGES.indexOf(this.stage) + part}></progress
    ></label>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-progress": OpenwrtProgress;
  }
}
