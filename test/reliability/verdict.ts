/** Decides whether the files found after a kill are the ones that the router was promised. */
import {
  apply,
  couldBeUnderWay,
  type Files,
  md5,
  type Operation,
  PATHS,
  same,
  touched,
} from "./operations.js";

export interface Verdict {
  /** one sentence for each file that is not as it was acknowledged; empty when nothing was lost */
  readonly lost: readonly string[];
  /** how many files were compared: those that exist, and those that were acknowledged as gone */
  readonly checked: number;
}

/**
 * The files must be those after the first K operations, with the next one under way, for some K that is at least the
 * number of acknowledged ones: the guest may have gone on after its last acknowledgement that was heard.
 *
 * @param before files before the first operation
 */
export function judge(
  found: Files,
  before: Files,
  operations: readonly Operation[],
  acknowledged: number,
  pool: Buffer,
): Verdict {
  const files = operations
    .slice(0, acknowledged)
    .reduce((now, operation) => apply(now, operation, pool), before);
  const gone = new Set(operations.slice(0, acknowledged).flatMap(touched));
  for (const path of files.keys()) gone.add(path);
  return {
    checked: gone.size,
    lost: isReachable(found, files, operations.slice(acknowledged), pool)
      ? []
      : PATHS.filter((path) => !same(found, files, [path])).map(
          (path) =>
            `${path}: ${describe(files.get(path))} was acknowledged, found ${describe(found.get(path))}`,
        ),
  };
}

function isReachable(
  found: Files,
  from: Files,
  operations: readonly Operation[],
  pool: Buffer,
): boolean {
  let files = from;
  for (const operation of operations) {
    const others = PATHS.filter((path) => !touched(operation).includes(path));
    if (same(found, files, others) && couldBeUnderWay(found, files, operation, pool)) return true;
    files = apply(files, operation, pool);
  }
  return same(found, files, PATHS);
}

function describe(content: Buffer | undefined): string {
  return content ? `${content.length} bytes with md5 ${md5(content)}` : "no file";
}
