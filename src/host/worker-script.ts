/**
 * Where a page's workers come from: a module of one line in this page, which imports the program. A worker has to be of the
 * page's own origin, and under COEP its file has to say so in a header; what it imports may be anywhere that lets it (CORS),
 * and needs no header.
 */

/** For pages with `require-trusted-types-for 'script'`, which name it in `trusted-types`. */
const POLICY = "openwrt-playground";

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

let policy: { createScriptURL(url: string): string } | undefined;

/** @returns a worker that runs the module there; what goes wrong with it is its event "error" */
export function workerOf(module: URL, options: { readonly name: string }): Worker {
  const line = new Blob([`import ${JSON.stringify(module.href)};`], { type: "text/javascript" });
  const url = URL.createObjectURL(line);
  const worker = new Worker(trusted(url), { ...options, type: "module" });
  // Not before it was read; a worker that never starts keeps a hundred bytes.
  worker.addEventListener("message", () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

/** Has the workers that v86 starts in this worker pass as ours; they are blobs of its own. */
export function trustNestedWorkers(): void {
  if (!("trustedTypes" in globalThis)) return;
  const Plain = globalThis.Worker;
  globalThis.Worker = class extends Plain {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(String(url).startsWith("blob:") ? trusted(String(url)) : url, options);
    }
  };
}

/** Only blobs of this program come here. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy(POLICY, { createScriptURL: (own) => own });
  return policy?.createScriptURL(url) ?? url;
}
