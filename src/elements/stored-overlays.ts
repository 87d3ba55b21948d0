/** The routers of this browser, for the storage dialog. */
import type { RouterStore } from "./router-store.js";

/** Undefined until `Overlay` of src/overlay/ is here, which is one: then `export const STORED_ROUTERS: RouterStore = Overlay`. */
export const STORED_ROUTERS: RouterStore | undefined = undefined;
