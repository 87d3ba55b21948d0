/**
 * DNS messages as a small server reads and writes them: one question, and an address or none as the answer.
 *
 * Whatever comes is from a guest that may be hostile. Names are not followed through pointers: a question needs none.
 *
 * @see RFC 1035
 */
import type { Bytes } from "../common/bytes.js";

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;
const FLAG = { response: 0x8000, authoritative: 0x0400, recursionDesired: 0x0100 } as const;
const OPCODE = { mask: 0x7800 } as const;
/** A name that was written before: here always the question's. */
const POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;

export const DNS_TYPE = { a: 1, any: 255 } as const;
export const DNS_CLASS_INTERNET = 1;
export const DNS_CODE = {
  ok: 0,
  malformed: 1,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
} as const;

export interface DnsQuery {
  readonly id: number;
  readonly flags: number;
  /** `undefined`: the message is a query, but not one that can be answered */
  readonly question: DnsQuestion | undefined;
}

export interface DnsQuestion {
  /** lower case, without a dot at its end */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** as it came */
  readonly bytes: Uint8Array;
}

/** @returns `undefined` when it is no query at all, and no answer is due */
export function parseDnsQuery(bytes: Uint8Array): DnsQuery | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [id, flags] = [view.getUint16(0), view.getUint16(2)];
  if (flags & FLAG.response) return undefined;
  const question = view.getUint16(4) === 1 ? parseQuestion(view) : undefined;
  return { id, flags, question };
}

export function isStandardQuery({ flags }: DnsQuery): boolean {
  return (flags & OPCODE.mask) === 0;
}

function parseQuestion(view: DataView): DnsQuestion | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    if (at >= view.byteLength) return undefined;
    const length = view.getUint8(at++);
    if (length === 0) break;
    if (length > MAX_LABEL_BYTES || at + length > view.byteLength) return undefined;
    const label = new Uint8Array(view.buffer, view.byteOffset + at, length);
    labels.push(String.fromCharCode(...label).toLowerCase());
    at += length;
    if (at - HEADER_BYTES >= MAX_NAME_BYTES) return undefined;
  }
  if (at + 4 > view.byteLength) return undefined;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + HEADER_BYTES, at + 4 - HEADER_BYTES);
  const name = labels.join(".");
  return { name, type: view.getUint16(at), class: view.getUint16(at + 2), bytes };
}

/**
 * @param code one of {@link DNS_CODE}
 * @param address of the name that was asked for, a number as in `ipv4.ts`
 */
export function formatDnsReply(
  query: DnsQuery,
  code: number,
  address?: { readonly address: number; readonly seconds: number },
): Bytes {
  const question = query.question?.bytes ?? new Uint8Array();
  const reply = new Uint8Array(HEADER_BYTES + question.length + (address ? 16 : 0));
  const view = new DataView(reply.buffer);
  const kept = query.flags & (OPCODE.mask | FLAG.recursionDesired);
  view.setUint16(0, query.id);
  view.setUint16(2, FLAG.response | FLAG.authoritative | kept | code);
  view.setUint16(4, query.question ? 1 : 0);
  reply.set(question, HEADER_BYTES);
  if (!address) return reply;
  view.setUint16(6, 1);
  const at = HEADER_BYTES + question.length;
  view.setUint16(at, POINTER_TO_QUESTION);
  view.setUint16(at + 2, DNS_TYPE.a);
  view.setUint16(at + 4, DNS_CLASS_INTERNET);
  view.setUint32(at + 6, address.seconds);
  view.setUint16(at + 10, 4);
  view.setUint32(at + 12, address.address);
  return reply;
}
