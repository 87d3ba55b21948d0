/** The page that a frame shows instead of the router's, when there is none. Everything in it is escaped. */
import { PROBLEM_META } from "../web-pane/messages.js";

export interface ErrorTexts {
  readonly heading: string;
  readonly text: string;
  /** label of the link that tries again */
  readonly retry: string;
}

const STYLE = `
  :root { color-scheme: light dark; }
  body { display: grid; place-content: center; justify-items: center; gap: 14px; min-height: 100vh; margin: 0;
    box-sizing: border-box; padding: 16px; font: 1rem/1.5 system-ui, sans-serif; text-align: center;
    color: light-dark(#1b2530, #dfe6ee); background: light-dark(#ffffff, #1a212b); }
  h1, p { max-width: 38rem; margin: 0; overflow-wrap: anywhere; }
  h1 { font-size: 1.125rem; }
  a { padding: 6px 14px; border: 1px solid; border-radius: 6px; text-decoration: none;
    color: light-dark(#0b63a5, #5bb4f0); }`;

/** @param target path and query that the link asks for */
export function errorPage({ heading, text, retry }: ErrorTexts, target: string): Response {
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="${PROBLEM_META}">
<title>${escape(heading)}</title>
<style>${STYLE}</style>
</head>
<body><h1>${escape(heading)}</h1><p>${escape(text)}</p><a href="${escape(target)}">${escape(retry)}</a></body>
</html>`;
  return new Response(page, {
    status: 502,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
      "Cache-Control": "no-store",
      "Origin-Agent-Cluster": "?1",
    },
  });
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
