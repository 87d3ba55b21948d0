/**
 * Which header fields pass between the guest's pages and the router.
 *
 * Everything passes but: what belongs to one connection, what would reach beyond the pages themselves (the origin's
 * service worker, storage, transport; reports to other servers), and what forbids framing.
 */
import type { HttpHeaders } from "../network/http-message.js";

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
]);

/** Directives of the router's own policy that forbid framing or send reports. */
const POLICY_KEPT_BACK = /^\s*(?:frame-ancestors|report-uri|report-to)(?:\s|$)/i;

/** @returns the guest's fields that go to the router */
export function requestHeaders(headers: HttpHeaders): HttpHeaders {
  return headers.filter(([name]) => !REQUEST_KEPT_BACK.has(name.toLowerCase()));
}

/** What browsers refuse in a field, and would refuse the whole answer for. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * @param ancestors origins that may frame the guest's pages
 * @returns the router's fields that go to the guest's pages, and the policy that keeps these at home
 */
export function responseHeaders(headers: HttpHeaders, ancestors: readonly string[]): HttpHeaders {
  return [
    ...headers.flatMap(([name, value]) => passed(name, value)),
    ["Content-Security-Policy", guestPolicy(ancestors)],
    ["X-DNS-Prefetch-Control", "off"],
  ];
}

function passed(name: string, value: string): HttpHeaders {
  const lower = name.toLowerCase();
  if (RESPONSE_KEPT_BACK.has(lower)) return [];
  if (!FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) return [];
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
  return FIELD_VALUE.test(statusText) ? statusText : "";
}

/** Values of all fields of a name, in their order. */
export function valuesOf(headers: HttpHeaders, name: string): string[] {
  return headers.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
}
