/** More than this no terminal answers. In bytes. */
const LONGEST_ANSWER = 256;
/**
 * Enter alone, which pages press to show a prompt, and what terminals say by themselves when they are asked or get the
 * focus: ECMA-48 8.3.14 CPR, 8.3.24 DA, 8.3.35 DSR; xterm's focus events.
 */
// eslint-disable-next-line no-control-regex
const NO_TYPING = /^(?:[\r\n]|\x1b\[[?>]?[\d;]*[RcnIO])*$/;

/** Whether these bytes for a console come from a person. */
export function isTyping(bytes: Uint8Array): boolean {
  return bytes.length > LONGEST_ANSWER || !NO_TYPING.test(String.fromCharCode(...bytes));
}
