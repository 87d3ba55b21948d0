/** Everything that a page and a machine's worker say to each other: the page calls, the worker answers and tells. */
import type { Chunks } from "../disk/chunk-store.js";
import type { StorageProblem } from "../disk/errors.js";
import type { HttpHeaders, HttpRequest } from "../network/http-message.js";
import type { LanStatus } from "../network/lan-host.js";
import type { BootStage } from "./boot-watch.js";
import type { PageDescription } from "../overlay/tabs.js";
import type { ExecResult } from "./exec.js";
import type { StoredNow } from "./storage-report.js";

/** What a power-on is to be. */
export interface Wishes {
  /** name of the firmware */
  readonly firmware: string;
  /** name of the overlay; `null`: there is none, changes stay in memory */
  readonly overlay: string | null;
  /** whether changes are stored; if not, the router starts from a copy of what is stored */
  readonly saving: boolean;
  /** changes of earlier boots that are stored nowhere; the router goes on with them */
  readonly memory: Chunks | undefined;
  /** drop the stored overlay first */
  readonly reset: boolean;
  /** boot, whatever states there are */
  readonly cold: boolean;
  /** boot into OpenWrt's failsafe, without the overlay */
  readonly failsafe: boolean;
  /** whether the router's memory is kept beside its overlay */
  readonly keepMemory: boolean;
  /** whether the WAN cable is plugged in */
  readonly wan: boolean;
  /** ask the tab that has the overlay to give it away */
  readonly takeOver: boolean;
  /** how long another holder of the overlay may take to let go without being asked, in milliseconds */
  readonly leaseWait: number;
  /** whether the page is looked at */
  readonly visible: boolean;
  /** what may be run once in an idle router that was restored, for it is slow the first time */
  readonly warmUp: "off" | "shell" | "web";
  /** the page, for another tab that looks for the router */
  readonly page: PageDescription;
}

/** How a power-on ended, seen from the host. `stopped`: the page asked for it. */
export type Ending = "reboot" | "halt" | "panic" | "stopped";

export interface Ended {
  readonly how: Ending;
  /** of the first console */
  readonly lastLines: readonly string[];
  /** changes that are stored nowhere, for the next power-on */
  readonly memory: Chunks | undefined;
}

/** The header of an HTTP response; its body comes on the port that was sent along. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HttpHeaders;
  readonly hasBody: boolean;
}

/** A router at one moment. */
export interface Capture {
  /** v86's state */
  readonly state: ArrayBuffer;
  /** the user's layer */
  readonly chunks: Chunks;
}

/** Page → worker. All but `start` wait until there is a router that can take them. */
export interface WorkerCalls {
  /** Powers on; once a worker. Answered when that power-on has ended and every write is settled. */
  start(ask: Wishes): Ended;
  /** What the person typed, for ttyS0. */
  type(ask: Uint8Array<ArrayBuffer>): void;
  exec(ask: {
    readonly command: string;
    readonly stdin: string | undefined;
    readonly timeout: number | undefined;
  }): ExecResult;
  /** Runs a command with its streams on ports (common/byte-port.ts). Answered with its exit status when it has ended. */
  spawn(ask: {
    /** names it in `kill` */
    readonly process: number;
    readonly command: string;
    readonly stdin: MessagePort;
    readonly stdout: MessagePort;
    readonly stderr: MessagePort;
  }): number;
  kill(ask: { readonly process: number; readonly signal: string }): void;
  readFile(ask: { readonly path: string }): Uint8Array<ArrayBuffer>;
  writeFile(ask: {
    readonly path: string;
    readonly data: Blob;
    readonly mode: number | undefined;
  }): void;
  /** Connects to a TCP port of the router, and serves the connection on `stream`. */
  connect(ask: {
    readonly port: number;
    readonly timeout: number | undefined;
    readonly stream: MessagePort;
  }): void;
  http(ask: {
    readonly request: Omit<HttpRequest, "body">;
    /** a stream comes on its port */
    readonly body: Uint8Array<ArrayBuffer> | MessagePort | null;
    readonly answer: MessagePort;
  }): ResponseHead;
  plugWan(ask: boolean): void;
  /** What is stored at this moment. */
  storage(): StoredNow;
  /** All chunks of the user's layer as they are now, unsaved ones too; the router syncs first if it can. */
  snapshot(): Chunks;
  /** Stops the router where a state can be had, and hands out a copy of its memory; `capture` lets it go on. */
  freeze(): Uint8Array<ArrayBuffer>;
  /** The state of a frozen router without these pages, by their addresses, and all chunks of the user's layer. */
  capture(ask: { readonly leaveOut: readonly number[] }): Capture;
  /** Stores these chunks in place of all others. The router cannot go on with them: the page ends it. A failure changes nothing, and the router goes on. */
  replace(ask: Chunks): void;
  /** Whether memory is kept from now on; if not, what is kept is dropped. */
  keepMemory(ask: boolean): void;
  /** Whether the page is looked at; a hidden one may be closed without another word. */
  visible(ask: boolean): void;
  /** What the person decided after `stalled`. */
  decide(ask: "retry" | "detach"): void;
  /** Has the router shut down by itself; `start` is answered then. */
  shutDown(ask: "reboot" | "poweroff"): void;
  /** Has the router store everything, keeps its memory, and stops it; can be given up until `start` is answered. */
  yield(): void;
  /** Stops the router as it is, stores what it has written; `start` is answered then. */
  stop(): void;
}

/** Worker → page. */
export interface WorkerEvents {
  /** Bytes that were fetched, and bytes there are to fetch. */
  progress: { readonly loaded: number; readonly total: number };
  /** Another tab wants the router. */
  wanted: undefined;
  /** The emulator has begun. */
  booting: { readonly resumed: boolean };
  stage: BootStage;
  /** What the router printed on ttyS0. */
  output: Uint8Array<ArrayBuffer>;
  /** A root shell answers. */
  shell: undefined;
  /** What is stored now; a few times a second at most. */
  stored: StoredNow;
  /** The store failed; the router stands still, and what is not stored is kept until `decide`. */
  stalled: { readonly problem: StorageProblem; readonly cause: string };
  network: LanStatus;
  /** The WAN cable that was plugged in at power-on leads nowhere; why, as ERRORS has it. */
  unplugged: unknown;
}
