/** What a failure of the client or the server means, and the error of the store that is made of it. */
import { SessionStoreError } from "../errors/errors.js"

/** A failure of Redis: the code that its message begins with, and the message without what was sent. */
export class RedisError extends Error {
  override readonly name = "RedisError"
  constructor(
    readonly code: string,
    message: string
  ) {
    super(message)
  }
}

type Reason = SessionStoreError["reason"]

/** Codes of errors that the server replies with. The connection is well, and the server did not do what it was told. */
const replies: Readonly<Record<string, Reason>> = {
  ASK: "unavailable",
  BUSY: "unavailable",
  CLUSTERDOWN: "unavailable",
  LOADING: "unavailable",
  MASTERDOWN: "unavailable",
  MISCONF: "unavailable",
  MOVED: "unavailable",
  NOAUTH: "unavailable",
  NOPERM: "unavailable",
  NOREPLICAS: "unavailable",
  OOM: "unavailable",
  READONLY: "unavailable",
  TRYAGAIN: "unavailable",
  WRONGPASS: "unavailable",
  WRONGTYPE: "corrupt"
}

/** Makes the store's error of what the client failed with. */
export const toStoreError = (operation: string, failure: unknown): SessionStoreError => {
  const said = failure instanceof Error ? failure.message : String(failure)
  const code = codeOf(failure, said)
  const cause = new RedisError(code, sentence(said))
  return new SessionStoreError({ operation, reason: reasonOf(code, said), cause })
}

/** The error of a script has its code behind the place in the script; Redis 6.2 says so of every error in one. */
const codeOf = (failure: unknown, said: string): string => {
  const code = failure instanceof Error && "code" in failure ? failure.code : undefined
  if (typeof code === "string") return code
  const reply = said.replace(/^.*user_script: ?\d+: /, "")
  return /^(?:ERR )?-?([A-Z]{3,})\b/.exec(reply)?.[1] ?? ""
}

const reasonOf = (code: string, said: string): Reason => {
  const reply = replies[code]
  if (reply !== undefined) return reply
  if (code === "CORRUPT") return "corrupt"
  if (/invalid bulk length|string exceeds maximum/i.test(said)) return "tooLarge"
  // What is left of the server's own replies has a code; all else is about the connection.
  return code === "ERR" ? "unknown" : "unavailable"
}

/** The first line, without anything that stands in quotes or may be an argument. */
const sentence = (said: string): string =>
  (said.split("\n", 1)[0] ?? "").replace(/['"`].*['"`]/, "(...)").slice(0, 200)
