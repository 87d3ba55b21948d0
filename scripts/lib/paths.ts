import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What `npm run build` makes: the site. Its folder `playground/` is what an embedding site copies. */
export const DIST = `${ROOT}dist/`;

/** The package's part for Node programs. */
export const NODE_DIST = `${DIST}node/`;
