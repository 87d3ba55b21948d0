import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";

/** An answer of the router, told so that a test can compare it. */
export interface Answer {
  readonly status: number;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: Record<string, string>;
  readonly length: number;
  readonly sha256: string;
  /** of a small body */
  readonly text: string;
}

export interface Question {
  readonly method?: string;
  /** so many bytes of a pattern are sent along */
  readonly uploadBytes?: number;
  /** gives up after so many milliseconds */
  readonly timeout?: number;
  /** reads at least so many bytes of the body, then cancels it; all of it if not given */
  readonly readBytes?: number;
}

/** How many answers came as they should, and what became of the others. */
export interface Tally {
  readonly whole: number;
  readonly wrong: readonly string[];
}

const SMALL_TEXT = 4096;

/** The router's LAN as a page uses it. What fails rejects with the sentence that a person would see. */
export class Lan {
  constructor(readonly page: Page) {}

  fetch(path: string, question: Question = {}): Promise<Answer> {
    return this.page.evaluate(
      async ([path, { method, uploadBytes, timeout, readBytes }, small]) => {
        const { machine } = document.querySelector("openwrt-playground")!;
        const response = await machine.fetch(path, {
          ...(method && { method }),
          ...(timeout && { signal: AbortSignal.timeout(timeout) }),
          ...(uploadBytes && {
            body: Uint8Array.from({ length: uploadBytes }, (_, at) => (at * 7) ^ (at >> 8)),
          }),
        });
        const { status, url, redirected } = response;
        let body = new Uint8Array();
        let length = 0;
        if (readBytes) {
          const reader = response.body!.getReader();
          while (length < readBytes) length += (await reader.read()).value?.length ?? readBytes;
          await reader.cancel();
        } else {
          body = new Uint8Array(await response.arrayBuffer());
          length = body.length;
        }
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
        const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        const text = body.length <= small ? new TextDecoder().decode(body) : "";
        const headers = Object.fromEntries(response.headers);
        return { status, url, redirected, headers, length, sha256, text };
      },
      [path, question, SMALL_TEXT] as const,
    );
  }

  /**
   * Fetches files whose checksums are known.
   *
   * @param together whether all are asked for at once
   */
  fetchAll(
    paths: readonly string[],
    sha256: Record<string, string>,
    together: boolean,
  ): Promise<Tally> {
    return this.page.evaluate(
      async ([paths, sha256, together]) => {
        const { machine } = document.querySelector("openwrt-playground")!;
        const wrong: string[] = [];
        let whole = 0;
        const one = async (path: string, number: number) => {
          try {
            const response = await machine.fetch(path);
            const hash = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
            const bytes = [...new Uint8Array(hash)];
            const got = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
            if (response.status === 200 && got === sha256[path]) whole++;
            else wrong.push(`${number} ${path}: status ${response.status}, ${got}`);
          } catch (error) {
            wrong.push(`${number} ${path}: ${String(error)}`);
          }
        };
        if (together) await Promise.all(paths.map(one));
        else for (const [number, path] of paths.entries()) await one(path, number);
        return { whole, wrong };
      },
      [paths, sha256, together] as const,
    );
  }

  /** The first bytes that a server sends by itself, as text; the connection is closed then. */
  greeting(port: number): Promise<string> {
    return this.page.evaluate(async (port) => {
      const { machine } = document.querySelector("openwrt-playground")!;
      const { readable } = await machine.connect(port);
      const reader = readable.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return new TextDecoder().decode(value);
    }, port);
  }

  /** Waits until the router answers a request with status 200, as a person does who reloads. */
  async answers(path: string, timeout: number): Promise<void> {
    const status = () =>
      this.fetch(path).then(
        (answer) => answer.status,
        (error: unknown) => (error as Error).message,
      );
    await expect.poll(status, { timeout }).toBe(200);
  }

  network(): Promise<{ phase: string; router?: string }> {
    return this.page.evaluate(
      () => document.querySelector("openwrt-playground")!.machine.network as { phase: string },
    );
  }

  plugWan(plugged: boolean): Promise<void> {
    return this.page.evaluate(
      (plugged) => document.querySelector("openwrt-playground")!.machine.plugWan(plugged),
      plugged,
    );
  }
}
