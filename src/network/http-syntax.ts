/** What HTTP's grammar and the Fetch Standard say of single words, fields and statuses. */
import type { HttpHeaders } from "./http-message.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether it can be a method or the name of a field. @see RFC 9110, 5.6.2 */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether it can be the value of a field or a reason phrase, one character a byte. @see RFC 9110, 5.5 */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

/** @returns the values of all fields of a name in their order. @param name in lower case */
export function valuesOf(headers: HttpHeaders, name: string): string[] {
  return headers.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
}

/** Whether an answer of this status ends with its header, whatever that says of a body. @see RFC 9112, 6.3 */
export function endsWithHeader(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

/** Whether the web's `Response` may have no body with this status. @see Fetch Standard, null body status */
export function isNullBodyStatus(status: number): boolean {
  return status === 101 || status === 103 || status === 204 || status === 205 || status === 304;
}
