/** Where an address in the router's answers and pages leads: to the router itself, or out of it. */

export type Destination =
  | { readonly kind: "router"; /** path, query and fragment */ readonly path: string }
  /** the router, but not its HTTP port: not reachable here */
  | { readonly kind: "other-port"; readonly url: string; readonly tls: boolean }
  | { readonly kind: "outside"; readonly url: string };

/**
 * The router does not know under which origin its pages are shown, and its LAN address may have changed a moment ago.
 * So every IP address and every name without a public domain counts as its own.
 *
 * @param address as found, absolute or relative
 * @param base absolute URL it is relative to, of the origin that shows the router
 */
export function destinationOf(address: string, base: string): Destination {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch {
    return { kind: "outside", url: address };
  }
  const path = url.pathname + url.search + url.hash;
  if (url.origin === new URL(base).origin) return { kind: "router", path };
  const web = url.protocol === "http:" || url.protocol === "https:";
  if (!web || !isRouterName(url.hostname)) return { kind: "outside", url: url.href };
  if (url.protocol === "http:" && url.port === "") return { kind: "router", path };
  return { kind: "other-port", url: url.href, tls: url.protocol === "https:" };
}

function isRouterName(name: string): boolean {
  return (
    /^[\d.]+$|^\[/.test(name) ||
    !name.includes(".") ||
    /\.(?:lan|local|internal|home\.arpa)$/.test(name)
  );
}
