/** What goes wrong on the command line, as the one sentence that is printed. */
import * as Data from "effect/Data"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"

/** A command cannot do what it was asked. The message says what the person can do about it. */
export class CliError extends Data.TaggedError("CliError")<{ readonly message: string }> {}

/** How a command can fail. */
export type Failure = CliError | SessionConfigError | SessionStoreError

/** Makes the sentence of any other error one of the command line. */
export const toCliError = ({ message }: { readonly message: string }): CliError =>
  new CliError({ message })

/** Makes the sentence of a failure; `store` describes the store in use, for an error of that store. */
export const inStore =
  (store: string) =>
  (failure: Failure): CliError => {
    if (failure._tag !== "SessionStoreError") return toCliError(failure)
    const code = codeOf(failure.cause)
    const why =
      code === undefined ? failure.reason : `${meanings[code] ?? failure.reason} (${code})`
    return new CliError({
      message: `The session store (${store}) failed to ${failure.operation}: ${why}.`
    })
  }

/** The codes that a wrong setting leads to. */
const meanings: Readonly<Record<string, string>> = {
  "3D000": "there is no such database",
  ER_BAD_DB_ERROR: "there is no such database",
  "22P05": "the database cannot hold every text; make it with the encoding UTF8",
  "28P01": "the user or the password is wrong",
  ER_ACCESS_DENIED_ERROR: "the user or the password is wrong",
  NOAUTH: "the server asks for a password",
  READONLY: "the server is a replica",
  WRONGPASS: "the user or the password is wrong",
  ECONNREFUSED: "no server listens there",
  ENOTFOUND: "there is no such host"
}

/** The code of the driver or the system, however deep. Whatever else a cause says may be secret. */
const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (typeof cause !== "object" || cause === null || depth > 8) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  for (const inner of ["cause", "error", "failure", "defect"] as const) {
    // Each of these may be there or not. Nothing but a code is ever read of it.
    const found = codeOf((cause as Readonly<Record<string, unknown>>)[inner], depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
