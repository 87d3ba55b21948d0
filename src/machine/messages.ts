/**
 * Every message between the page and a machine's worker. One worker lives from one power-on to the next reset,
 * power-off or crash: the page starts a fresh one for every boot.
 */
import type { Durability } from "../disk/chunk-store.js";
import type { StorageProblem } from "../disk/errors.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import type { Failure } from "../network/failure.js";
import type { HttpHeaders, HttpRequest } from "../network/http-message.js";
import type { LanStatus } from "../network/lan-host.js";
import type { Bios } from "./assets.js";
import type { BootStage } from "./boot-watch.js";
import type { ExecResult } from "./shell.js";

/** Chunks of a disk by number. */
export type Chunks = ReadonlyMap<number, Uint8Array<ArrayBuffer>>;

/** Page → worker. */
export type ToWorker =
  /** First message: open the disk and power on. */
  | ({ readonly type: "start" } & StartMessage)
  /** Bytes the person typed, for ttyS0. */
  | { readonly type: "input"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Run a command in the router; answered by `result`, `refused`. */
  | {
      readonly type: "exec";
      readonly id: number;
      readonly command: string;
      readonly stdin?: string | undefined;
      readonly timeout?: number | undefined;
    }
  /** Connect to a TCP port of the router and serve the connection on `stream`; answered by `connected`, `refused`. */
  | {
      readonly type: "connect";
      readonly id: number;
      readonly port: number;
      readonly timeout?: number | undefined;
      readonly stream: MessagePort;
    }
  /** Send an HTTP request; answered by `response`, `refused`. The answer's body comes on `answer`. */
  | {
      readonly type: "http";
      readonly id: number;
      readonly request: Omit<HttpRequest, "body">;
      /** a stream comes on its port */
      readonly body: Uint8Array<ArrayBuffer> | MessagePort | null;
      readonly answer: MessagePort;
    }
  /** Plug the WAN cable in, or pull it; answered by `connected`, `refused`. */
  | { readonly type: "wan"; readonly id: number; readonly plugged: boolean }
  /** The caller of `exec`, `connect` or `http` lost interest: give it up. */
  | { readonly type: "cancel"; readonly id: number }
  /** Hand over all chunks as they are now, unsaved ones too; answered by `chunks` or `refused`. */
  | { readonly type: "snapshot"; readonly id: number }
  /** Save the memory beside the overlay; answered by `saved`, `refused`. */
  | { readonly type: "save"; readonly id: number }
  /** What the person decided after `stalled`. */
  | { readonly type: "decide"; readonly decision: "retry" | "detach" }
  /** Finish the writes under way, then say `ended`: the page is about to end this worker. */
  | { readonly type: "stop" };

export interface BootParts extends Bios {
  /** Linux kernel, as a bzImage */
  readonly kernel: ArrayBuffer;
}

export interface StartMessage {
  readonly wasm: WebAssembly.Module;
  /** what a boot begins with; not needed when a state is restored */
  readonly boot: BootParts | undefined;
  /** URL of the directory with the built files */
  readonly assets: string;
  /** squashfs at the start of the disk */
  readonly root: ArrayBuffer;
  readonly commandLine: string;
  readonly memoryBytes: number;
  /** SHA-256 of the kernel, hex */
  readonly kernel: string;
  /** whose the overlay is, and with it the disk; its name is not used when there is no overlay */
  readonly identity: OverlayIdentity;
  /** whether there is an overlay; if not, changes stay in memory */
  readonly stored: boolean;
  /** whether changes are stored; if not, the machine starts from a copy of what is stored */
  readonly saving: boolean;
  /** changes of earlier boots that are stored nowhere; the machine goes on with them */
  readonly memory: Chunks | undefined;
  /** the saved state to go on from, instead of booting */
  readonly restore: RestoreMessage | undefined;
  /** whether the WAN cable is plugged in */
  readonly wan: boolean;
  /** drop the stored overlay before power-on */
  readonly reset: boolean;
}

/** What a router goes on from. */
export type RestoreMessage =
  /** The factory state; the disk must be untouched, and holds these chunks then. */
  | {
      readonly kind: "factory";
      /** v86's state, compressed with zstd */
      readonly state: ArrayBuffer;
      /** the list of pages that the state leaves out (src/snapshot/shared-pages.ts), if it does */
      readonly pages: ArrayBuffer | undefined;
      readonly seed: Chunks;
    }
  /** What the last visit left of this overlay (src/snapshot/saved-state.ts). */
  | { readonly kind: "saved" };

/** How a boot ended, seen from the host. `stopped` answers the page's `stop`. */
export type Ending = "reboot" | "halt" | "panic" | "stopped";

/** Worker → page. */
export type FromWorker =
  /** The boot reached a stage. */
  | { readonly type: "stage"; readonly stage: BootStage }
  /** Bytes the router printed on ttyS0. */
  | { readonly type: "output"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The root shell answers. */
  | { readonly type: "shell" }
  /** What is stored now; sent after the disk is open and after writes, a few times a second at most. */
  | {
      readonly type: "usage";
      readonly bytes: number;
      readonly chunks: number;
      readonly durability: Durability;
    }
  /** An `exec` is done. */
  | { readonly type: "result"; readonly id: number; readonly result: ExecResult }
  /** Answers `snapshot`. */
  | { readonly type: "chunks"; readonly id: number; readonly chunks: Chunks }
  /** The connection that `connect` asked for is open; the cable of `wan` is where it should be. */
  | { readonly type: "connected"; readonly id: number }
  /** The header of the answer to `http`. */
  | {
      readonly type: "response";
      readonly id: number;
      readonly status: number;
      readonly statusText: string;
      readonly headers: HttpHeaders;
      readonly hasBody: boolean;
    }
  /** Where the page's PC on the LAN has found the router. */
  | { readonly type: "network"; readonly status: LanStatus }
  /** Answers `save`: how many bytes it took. */
  | { readonly type: "saved"; readonly id: number; readonly bytes: number }
  /** What was asked for under this number failed. */
  | { readonly type: "refused"; readonly id: number; readonly failure: Failure }
  /** The store failed; the machine is paused and the pending writes are kept until `decide`. */
  | { readonly type: "stalled"; readonly problem: StorageProblem; readonly cause: string }
  /** The guest or the page ended this boot; all writes are settled. Last message. */
  | {
      readonly type: "ended";
      readonly how: Ending;
      readonly lastLines: string[];
      /** what is not stored anywhere, for the next boot */
      readonly memory: Chunks | undefined;
    }
  /** The state to restore cannot be used; nothing was changed, and the router can be booted. Last message. */
  | { readonly type: "unfit"; readonly message: string }
  /** The worker cannot go on. Last message. */
  | {
      readonly type: "failed";
      readonly problem: StorageProblem | undefined;
      readonly message: string;
      readonly lastLines: string[];
    };
