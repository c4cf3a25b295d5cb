/** What goes wrong on the command line, as the one sentence that is printed. */
import * as Data from "effect/Data"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"

/** A command that cannot do what it was asked, for a reason the person can mend. */
export class Problem extends Data.TaggedError("Problem")<{ readonly message: string }> {}

/** How a command can fail. */
export type Failure = Problem | SessionConfigError | SessionStoreError

/** The sentence of a failure; `where` describes the store in use. */
export const sentenceOf = (failure: Failure, where: string | undefined): string => {
  if (failure._tag !== "SessionStoreError") return failure.message
  const code = codeOf(failure.cause)
  return `The session store${where === undefined ? "" : ` (${where})`} failed to ${failure.operation}: ${
    failure.reason
  }${code === undefined ? "" : ` (${code})`}.`
}

/** The code of the driver or the system, such as `ECONNREFUSED`, however deep: what else a cause says may be secret. */
const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (typeof cause !== "object" || cause === null || depth > 8) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  for (const inner of ["cause", "error", "failure", "defect"] as const) {
    // Each of these may be there or not; nothing but a code is ever read of it.
    const found = codeOf((cause as Readonly<Record<string, unknown>>)[inner], depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
