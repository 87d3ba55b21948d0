/**
 * Which header fields pass between the guest's pages and the router.
 *
 * Everything passes but: what belongs to one connection, what would reach beyond the pages themselves (the origin's
 * service worker, storage, transport; reports to other servers), and what forbids framing.
 */
import type { HttpHeaders } from "../network/http-message.js";
import { isFieldValue, isToken } from "../network/http-syntax.js";

const CONNECTION = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Set by the HTTP client or the page, never by the guest's pages; Origin and Referer would name the guest origin. */
const REQUEST_KEPT_BACK = new Set([
  ...CONNECTION,
  ...["host", "content-length", "cookie", "expect", "origin", "referer", "accept-encoding"],
]);

const RESPONSE_KEPT_BACK = new Set([
  ...CONNECTION,
  ...["set-cookie", "set-cookie2", "x-frame-options", "content-security-policy-report-only"],
  ...["service-worker-allowed", "clear-site-data", "strict-transport-security", "alt-svc"],
  ...["cross-origin-opener-policy", "cross-origin-embedder-policy", "speculation-rules"],
  ...["report-to", "reporting-endpoints", "nel", "x-dns-prefetch-control"],
  "origin-agent-cluster",
]);

/** Directives of the router's own policy that forbid framing or send reports. */
const POLICY_KEPT_BACK = /^\s*(?:frame-ancestors|report-uri|report-to)(?:\s|$)/i;

/** @returns the guest's fields that go to the router */
export function requestHeaders(headers: HttpHeaders): HttpHeaders {
  return headers.filter(([name]) => !REQUEST_KEPT_BACK.has(name.toLowerCase()));
}

/**
 * @param ancestors origins that may frame the guest's pages
 * @returns the router's fields that go to the guest's pages, and the policy that keeps these at home
 */
export function responseHeaders(headers: HttpHeaders, ancestors: readonly string[]): HttpHeaders {
  return [
    ...headers.flatMap(([name, value]) => passed(name, value)),
    ["Content-Security-Policy", guestPolicy(ancestors)],
    ["X-DNS-Prefetch-Control", "off"],
    // A process of its own: machines whose origins share a registrable domain would share one.
    ["Origin-Agent-Cluster", "?1"],
  ];
}

function passed(name: string, value: string): HttpHeaders {
  const lower = name.toLowerCase();
  if (RESPONSE_KEPT_BACK.has(lower)) return [];
  // Browsers would refuse the whole answer for it.
  if (!isToken(name) || !isFieldValue(value)) return [];
  if (lower !== "content-security-policy") return [[name, value]];
  const kept = value.split(";").filter((directive) => !POLICY_KEPT_BACK.test(directive));
  return [[name, kept.join(";")]];
}

/** The router's pages load from and send to the router only: nothing leaves the computer. */
function guestPolicy(ancestors: readonly string[]): string {
  return [
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    `frame-ancestors 'self' ${ancestors.join(" ")}`,
  ].join("; ");
}

/** @returns a status line's text as browsers take it */
export function reason(statusText: string): string {
  return isFieldValue(statusText) ? statusText : "";
}
