/**
 * `Symbol.dispose` where a browser has none yet (WebKit before 26), under the name that compiled `using` looks for. To be
 * imported first by a program that uses it.
 */
const symbols = Symbol as { dispose?: symbol };
symbols.dispose ??= Symbol.for("Symbol.dispose");
