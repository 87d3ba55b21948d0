/**
 * The console's colours and font, as CSS says: the page's `color-scheme` and a few custom properties.
 *
 * xterm.js draws with colours it is given in numbers. So an element that is not seen has them as its style, and a
 * transition on it tells when any of them changes, whatever in the page the reason is.
 */
import type { ITheme } from "@xterm/xterm";
import { css } from "lit";

/** What {@link readLook} reads; `transitionrun` fires on it when that has changed. */
export const lookStyles = css`
  :host {
    --terminal-background: var(--playground-terminal-background, light-dark(#fbfcfe, #10151c));
    --terminal-text: var(--playground-terminal-text, light-dark(#1c2733, #d9e1ea));
  }
  #look {
    position: absolute;
    visibility: hidden;
    color: var(--terminal-text);
    background-color: var(--terminal-background);
    caret-color: var(--playground-terminal-cursor, light-dark(#0b63a5, #7fd1ff));
    outline-color: var(--playground-terminal-selection, light-dark(#b9d8f2, #2f5d86));
    font-family: var(
      --playground-terminal-font,
      ui-monospace,
      SFMono-Regular,
      Menlo,
      Consolas,
      "DejaVu Sans Mono",
      monospace
    );
    font-size: var(--playground-terminal-font-size, 13px);
    /* Stepped, so that the first event already finds the new values. */
    transition: 1ms step-start allow-discrete;
    transition-property:
      color, background-color, caret-color, outline-color, font-family, font-size;
  }
`;

/** The sixteen colours that programs choose from, readable on a light background. On a dark one xterm's own are. */
const ANSI_ON_LIGHT: ITheme = {
  black: "#1c2733",
  red: "#b3261e",
  green: "#1a6e2e",
  yellow: "#7a5900",
  blue: "#0b57a4",
  magenta: "#8a2a86",
  cyan: "#00687a",
  white: "#5b6773",
  brightBlack: "#4d5864",
  brightRed: "#b3261e",
  brightGreen: "#1a6e2e",
  brightYellow: "#7a5900",
  brightBlue: "#0b57a4",
  brightMagenta: "#8a2a86",
  brightCyan: "#00687a",
  brightWhite: "#1c2733",
};

export interface TerminalLook {
  readonly theme: ITheme;
  readonly fontFamily: string;
  /** in CSS pixels */
  readonly fontSize: number;
}

/** @param element `#look` of {@link lookStyles} */
export function readLook(element: Element): TerminalLook {
  const style = getComputedStyle(element);
  const background = toRgb(style.backgroundColor);
  return {
    theme: {
      ...(isLight(background) ? ANSI_ON_LIGHT : {}),
      background: toCss(background),
      foreground: toCss(toRgb(style.color)),
      cursor: toCss(toRgb(style.caretColor)),
      cursorAccent: toCss(background),
      selectionBackground: toCss(toRgb(style.outlineColor)),
    },
    fontFamily: style.fontFamily,
    fontSize: parseFloat(style.fontSize),
  };
}

/** red, green and blue from 0 to 255, alpha from 0 to 1 */
type Rgb = readonly [number, number, number, number];

function toRgb(computed: string): Rgb {
  const numbers = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(computed);
  if (numbers) {
    const [, red, green, blue, alpha = "1"] = numbers;
    return [Number(red), Number(green), Number(blue), Number(alpha)];
  }
  // Other colour spaces are computed as they were written. A canvas knows all that CSS knows.
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  if (!context) return [0, 0, 0, 1];
  context.fillStyle = computed;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 255] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}

function toCss([red, green, blue, alpha]: Rgb): string {
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

/** By the weights that sRGB gives the three to brightness. */
function isLight([red, green, blue]: Rgb): boolean {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 127;
}
