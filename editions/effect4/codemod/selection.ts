/** Which files of the repository the edition has, and why it lacks the others. */

/** What is left out, with the reason; the later lines are of single files. */
export const leftOut: ReadonlyArray<readonly [pattern: RegExp, reason: string]> = [
  [/^src\/(?:cli\.ts|internal\/cli\/)/, "the command line is not carried over yet"]
]

const tests = /^test\/(?:core|model|commit|effect|http|support)\/|^test\/stores\/(?:memory|derived|deadline|inFlight)/

/** Whether the edition has a file. */
export const isWanted = (path: string): boolean =>
  (path.startsWith("src/") || tests.test(path)) && !leftOut.some(([pattern]) => pattern.test(path))
