import type { HttpExchange } from "../network/http-message.js";

/** What the pane needs of a machine. Its event "statechange" tells that `state` is another one. */
export interface WebMachine extends EventTarget {
  /** "booting" and "running": there may be a web server; anything else: there is none */
  readonly state: "off" | "loading" | "booting" | "running" | "failed";
  readonly exchange: HttpExchange;
}
