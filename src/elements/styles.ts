import { css } from "lit";

/**
 * Colours of the elements, light and dark; an embedding page may set its own. Which of the two the page decides, by its
 * `color-scheme`, or by the attribute `theme`: an element that follows the system on a page that does not is a hole in it.
 */
export const colours = css`
  :host([theme="light"]) {
    color-scheme: light;
  }
  :host([theme="dark"]) {
    color-scheme: dark;
  }
  :host {
    --playground-text: light-dark(#1b2530, #dfe6ee);
    --playground-quiet: light-dark(#4c5a68, #a3b0be);
    --playground-surface: light-dark(#ffffff, #1a212b);
    --playground-line: light-dark(#cdd6df, #35414f);
    --playground-accent: light-dark(#0b63a5, #5bb4f0);
    --playground-on-accent: light-dark(#ffffff, #06121c);
    --playground-danger: light-dark(#b3261e, #ff8d84);
    --playground-on-danger: light-dark(#ffffff, #2a0603);
    --playground-good: light-dark(#1a6e2e, #63d283);
    --playground-busy: light-dark(#8a5a00, #f0b955);
  }
`;

/** Where an element begins the page's text styles end. Sizes below are relative to this one. */
export const textStyles = css`
  :host {
    /* "medium" is what the person chose in the browser; the page's root may have any size. */
    font:
      medium / normal system-ui,
      sans-serif;
    letter-spacing: normal;
    word-spacing: normal;
    text-transform: none;
    text-indent: 0;
    text-shadow: none;
    text-align: start;
    white-space: normal;
    /* All texts are English. */
    direction: ltr;
  }
`;

export const buttonStyles = css`
  button {
    font: inherit;
    font-size: 0.875em;
    min-height: 36px;
    padding: 4px 12px;
    border: 1px solid var(--playground-line);
    border-radius: 6px;
    color: var(--playground-text);
    background: var(--playground-surface);
    cursor: pointer;
  }
  button:hover:not(:disabled) {
    border-color: var(--playground-accent);
  }
  button:focus-visible {
    outline: 2px solid var(--playground-accent);
    outline-offset: 2px;
  }
  button:disabled {
    opacity: 0.5;
    cursor: default;
  }
  button[aria-pressed="true"] {
    border-color: var(--playground-accent);
    box-shadow: inset 0 0 0 1px var(--playground-accent);
  }
  button.primary {
    border-color: var(--playground-accent);
    color: var(--playground-on-accent);
    background: var(--playground-accent);
  }
  button.danger {
    border-color: var(--playground-danger);
    color: var(--playground-on-danger);
    background: var(--playground-danger);
  }
`;

export const fieldStyles = css`
  input:not([type]) {
    min-width: 0;
    min-height: 36px;
    box-sizing: border-box;
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
  input[aria-invalid="true"] {
    border-color: var(--playground-danger);
  }
`;

export const dialogStyles = css`
  dialog {
    max-width: min(34em, calc(100vw - 2em));
    box-sizing: border-box;
    border: 1px solid var(--playground-line);
    border-radius: 10px;
    padding: 20px;
    color: var(--playground-text);
    background: var(--playground-surface);
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 45%);
  }
  h2 {
    margin: 0 0 8px;
    font-size: 1.125em;
  }
  p {
    margin: 0 0 16px;
    line-height: 1.5;
  }
`;
