/** How what the system says becomes a `SessionStoreError`. Inside the filesystem store failures have no operation yet. */
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import { SessionStoreError } from "../errors/errors.js"

/** What goes wrong inside the filesystem store. */
export type Failure = PlatformError | Problem

/** A failure that is not the answer of a `FileSystem`; the message is a sentence for the operator. */
export class Problem extends Error {
  readonly _tag = "Problem"
  constructor(
    readonly reason: SessionStoreError["reason"],
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
  }
}

/** The code of a failed system call, such as `ENOENT`. */
export const codeOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined

/** Wraps what a call of `node:fs` threw. */
export const fromNode = (cause: unknown): Problem =>
  new Problem(
    reasonOfCode(codeOf(cause)),
    cause instanceof Error ? cause.message : "A system call failed.",
    { cause }
  )

/** True when the file or a directory above it is not there. */
export const isNotFound = (failure: Failure): boolean =>
  failure._tag === "SystemError"
    ? failure.reason === "NotFound"
    : failure._tag === "Problem" && codeOf(failure.cause) === "ENOENT"

/** True when the name is taken. */
export const isTaken = (failure: Failure): boolean =>
  failure._tag === "SystemError"
    ? failure.reason === "AlreadyExists"
    : failure._tag === "Problem" && codeOf(failure.cause) === "EEXIST"

/** True when a file is not what it should be. */
export const isCorrupt = (failure: Failure): boolean =>
  failure._tag === "Problem" && failure.reason === "corrupt"

/** True when somebody else kept the lock for too long. */
export const isTimeout = (failure: Failure): boolean =>
  failure._tag === "Problem" && failure.reason === "timeout"

/** What the system answers when not one file is at fault, but the process, the disk or the file system as a whole. */
const codesOfAll = new Set("EMFILE ENFILE ENOMEM ENOSPC EDQUOT EROFS ENODEV ENOTCONN".split(" "))

/** True when the failure says nothing about the file it happened at: with the next one it would be the same. */
export const isOfAll = (failure: Failure): boolean => codesOfAll.has(codeOf(failure.cause) ?? "")

/** Says which of the store's operations failed. */
export const named =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, Failure, R>): Effect.Effect<A, SessionStoreError, R> =>
    Effect.mapError(effect, (cause) => toStoreError(operation, cause))

/** The error the caller sees. */
export const toStoreError = (operation: string, cause: Failure): SessionStoreError =>
  new SessionStoreError({ operation, reason: reasonOf(cause), cause })

const reasonOfCode = (code: string | undefined): SessionStoreError["reason"] => {
  if (code === undefined) return "unknown"
  if (code === "EFBIG" || code === "ENAMETOOLONG") return "tooLarge"
  return code === "ETIMEDOUT" ? "timeout" : "unavailable"
}

/** Why an operation failed that this failure ended. */
export const reasonOf = (failure: Failure): SessionStoreError["reason"] => {
  if (failure._tag === "Problem") return failure.reason
  if (failure._tag === "BadArgument") return "unknown"
  if (failure.reason === "TimedOut") return "timeout"
  return failure.reason === "Unknown" ? reasonOfCode(codeOf(failure.cause)) : "unavailable"
}
