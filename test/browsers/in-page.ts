/** Calls into a page that every engine's protocol can carry: an expression whose promise resolves with a text. */

export function asExpression(body: string, args: readonly unknown[]): string {
  return `(async () => {
    try {
      const value = await (async (args) => { ${body} })(${JSON.stringify(args)});
      return JSON.stringify({ value });
    } catch (error) {
      return JSON.stringify({ error: String(error) });
    }
  })()`;
}

/** @throws {Error} with the message of what the page threw */
export function answerOf(text: unknown): unknown {
  const answer = JSON.parse(String(text)) as { value?: unknown; error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.value;
}
