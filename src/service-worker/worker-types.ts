/** What TypeScript's DOM library lacks of a service worker's globals, which it offers only in a library of its own. */

export interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  /** of the context that asks; "" for a navigation */
  readonly clientId: string;
  respondWith(answer: Promise<Response>): void;
}

export interface Client {
  readonly id: string;
  readonly url: string;
  readonly type: "window" | "worker" | "sharedworker";
  readonly frameType: "nested" | "top-level" | "auxiliary" | "none";
  postMessage(message: unknown, transfer: Transferable[]): void;
}

export interface ServiceWorkerScope extends EventTarget {
  readonly location: Location;
  readonly clients: {
    claim(): Promise<void>;
    get(id: string): Promise<Client | undefined>;
    matchAll(options: { includeUncontrolled: boolean; type: "window" }): Promise<Client[]>;
  };
  readonly cookieStore?: CookieStore;
  skipWaiting(): Promise<void>;
}
