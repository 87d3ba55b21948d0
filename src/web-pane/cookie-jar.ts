/**
 * The cookies of one router, as RFC 6265 has them for one host reached over plain HTTP.
 *
 * Browsers give a service worker neither `Cookie` nor `Set-Cookie`, so the page keeps them, in memory only. `Domain`
 * is passed over: there is one host. `Secure` cookies are refused, as browsers refuse them over plain HTTP.
 */
import { parse } from "set-cookie-parser";
import type { ScriptCookie } from "./messages.js";

/** Limits of number and size; RFC 6265, section 6.1 asks for at least 50 of 4096 bytes. */
const MAX_COOKIES = 100;
const MAX_CHARACTERS = 4096;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  /** milliseconds since 1970 */
  readonly expires: number | null;
  readonly httpOnly: boolean;
  /** order of creation; a cookie that is set again keeps its own */
  readonly order: number;
}

export class CookieJar {
  /** by name and path */
  readonly #cookies = new Map<string, Cookie>();
  #created = 0;

  /** @param now milliseconds since 1970 */
  constructor(private readonly now: () => number = Date.now) {}

  /**
   * Takes what an answer sets.
   *
   * @param fields values of its Set-Cookie fields
   * @param target path and query of the request
   * @returns those that scripts may see, the deleted ones with a time in the past
   */
  store(fields: readonly string[], target: string): ScriptCookie[] {
    const visible: ScriptCookie[] = [];
    for (const field of fields) {
      const cookie = this.#read(field, target);
      if (!cookie) continue;
      const key = `${cookie.name};${cookie.path}`;
      const old = this.#cookies.get(key);
      const gone = cookie.expires !== null && cookie.expires <= this.now();
      if (gone) this.#cookies.delete(key);
      else this.#cookies.set(key, { ...cookie, order: old?.order ?? cookie.order });
      // A cookie that scripts saw and that is HttpOnly now must go from their sight.
      const { name, value, path, expires } = cookie;
      if (!cookie.httpOnly) visible.push({ name, value, path, expires });
      else if (old && !old.httpOnly) visible.push({ name, value: "", path, expires: 0 });
    }
    this.#limit();
    return visible;
  }

  /** @returns value of the Cookie field for a request of path and query `target`; "" for none */
  header(target: string): string {
    const path = pathOf(target);
    this.#dropExpired();
    return [...this.#cookies.values()]
      .filter((cookie) => covers(cookie.path, path))
      .sort((a, b) => b.path.length - a.path.length || a.order - b.order)
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ");
  }

  #read(field: string, target: string): Cookie | undefined {
    if (field.length > MAX_CHARACTERS) return undefined;
    const [read] = parse([field], { decodeValues: false, split: false });
    if (!read || read.name === "" || read.secure === true) return undefined;
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\0-\x1f\x7f;]/.test(read.name + read.value)) return undefined;
    const { name, value, path, maxAge, expires } = read;
    return {
      name,
      value,
      path: path?.startsWith("/") ? path : defaultPath(target),
      expires: this.#expiry(maxAge, expires),
      httpOnly: read.httpOnly === true,
      order: this.#created++,
    };
  }

  /** Max-Age goes before Expires; what cannot be read counts as absent. */
  #expiry(maxAge: number | undefined, expires: Date | undefined): number | null {
    if (maxAge !== undefined && !Number.isNaN(maxAge))
      return maxAge <= 0 ? 0 : this.now() + maxAge * 1000;
    const time = expires?.getTime() ?? NaN;
    return Number.isNaN(time) ? null : time;
  }

  #dropExpired(): void {
    const now = this.now();
    for (const [key, { expires }] of this.#cookies)
      if (expires !== null && expires <= now) this.#cookies.delete(key);
  }

  #limit(): void {
    this.#dropExpired();
    const oldest = [...this.#cookies].sort(([, a], [, b]) => a.order - b.order);
    for (const [key] of oldest.slice(0, Math.max(0, oldest.length - MAX_COOKIES)))
      this.#cookies.delete(key);
  }
}

function pathOf(target: string): string {
  return target.replace(/[?#].*/s, "");
}

/** @see RFC 6265, section 5.1.4 */
function defaultPath(target: string): string {
  const path = pathOf(target);
  const end = path.lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}

/** @see RFC 6265, section 5.1.4: path-match */
function covers(cookie: string, path: string): boolean {
  return (
    path === cookie ||
    (path.startsWith(cookie) && (cookie.endsWith("/") || path[cookie.length] === "/"))
  );
}
