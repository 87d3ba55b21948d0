/** A DNS server that knows a few names, all of one address, and says so of the rest. */
import {
  DNS_CLASS_INTERNET,
  DNS_CODE,
  DNS_TYPE,
  type DnsQuestion,
  formatDnsReply,
  isStandardQuery,
  parseDnsQuery,
} from "./dns-message.js";
import type { IpStack } from "./ip-stack.js";

const PORT = 53;
const SECONDS = 300;

export interface DnsZone {
  /** names that have the address */
  readonly names: readonly string[];
  /** an address, see `ipv4.ts` */
  readonly address: number;
  /** the top-level domain of which nothing else exists; other names are refused, as they may well exist elsewhere */
  readonly topLevel: string;
}

/** @returns what ends it */
export function serveDns(stack: IpStack, zone: DnsZone): () => void {
  const socket = stack.openUdp(PORT, (address, port, bytes) => {
    const query = parseDnsQuery(bytes);
    if (!query) return;
    const answer = (code: number, found?: { address: number; seconds: number }) =>
      socket.send(address, port, formatDnsReply(query, code, found));
    if (!isStandardQuery(query)) return answer(DNS_CODE.notImplemented);
    if (!query.question) return answer(DNS_CODE.malformed);
    const code = lookUp(query.question, zone);
    const wantsAddress = query.question.type === DNS_TYPE.a || query.question.type === DNS_TYPE.any;
    const found = { address: zone.address, seconds: SECONDS };
    return answer(code, code === DNS_CODE.ok && wantsAddress ? found : undefined);
  });
  return () => socket.close();
}

function lookUp(question: DnsQuestion, { names, topLevel }: DnsZone): number {
  if (question.class !== DNS_CLASS_INTERNET) return DNS_CODE.refused;
  if (names.includes(question.name)) return DNS_CODE.ok;
  if (question.name === topLevel) return DNS_CODE.ok;
  return question.name.endsWith(`.${topLevel}`) ? DNS_CODE.noSuchName : DNS_CODE.refused;
}
