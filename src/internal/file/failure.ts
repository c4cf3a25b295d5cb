/** The failures inside the filesystem store, and the `SessionStoreError` that each becomes. */
import type { PlatformError, SystemErrorReason } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import { hasProperty, isString } from "effect/Predicate"
import { SessionStoreError } from "../errors/errors.js"

/** What goes wrong inside the filesystem store. */
export type Failure = PlatformError | Problem

type Reason = SessionStoreError["reason"]

/** A failure that does not come from `FileSystem`. Its message is a sentence for the operator. */
export class Problem extends Error {
  readonly _tag = "Problem"
  constructor(
    readonly reason: Reason,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
  }
}

/** The code of a failed system call, such as `ENOENT`. */
export const codeOf = (cause: unknown): string | undefined =>
  hasProperty(cause, "code") && isString(cause.code) ? cause.code : undefined

/** Wraps an error of `node:fs`. */
export const fromNode = (cause: unknown): Problem =>
  new Problem(
    reasonOfCode(codeOf(cause)),
    cause instanceof Error ? cause.message : "A system call failed.",
    { cause }
  )

const isOfSystem = (reason: SystemErrorReason, code: string) => (failure: Failure) =>
  failure._tag === "SystemError" ? failure.reason === reason : codeOf(failure.cause) === code

/** True when the file or a directory above it is missing. */
export const isNotFound = isOfSystem("NotFound", "ENOENT")

/** True when the name is taken. */
export const isTaken = isOfSystem("AlreadyExists", "EEXIST")

const isProblem = (reason: Reason) => (failure: Failure) =>
  failure._tag === "Problem" && failure.reason === reason

/** True when a file is not what it should be. */
export const isCorrupt = isProblem("corrupt")

/** True when another process kept the lock for too long. */
export const isTimeout = isProblem("timeout")

/** The errors that are not about one file, but about the process, the disk or the file system. */
const codesOfAllFiles = new Set(
  "EMFILE ENFILE ENOMEM ENOSPC EDQUOT EROFS ENODEV ENOTCONN".split(" ")
)

/** True when the same would happen with any other file. */
export const concernsAllFiles = (failure: Failure): boolean =>
  codesOfAllFiles.has(codeOf(failure.cause) ?? "")

/** Gives the failures of a call the name of the call. */
export const failingAs =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, Failure, R>): Effect.Effect<A, SessionStoreError, R> =>
    Effect.mapError(effect, (cause) => toStoreError(operation, cause))

/** The error the caller sees. */
export const toStoreError = (operation: string, cause: Failure): SessionStoreError =>
  new SessionStoreError({ operation, reason: reasonOf(cause), cause })

const reasonOfCode = (code: string | undefined): Reason => {
  if (code === undefined) return "unknown"
  if (code === "EFBIG" || code === "ENAMETOOLONG") return "tooLarge"
  return code === "ETIMEDOUT" ? "timeout" : "unavailable"
}

/** The reason in the `SessionStoreError` of a failure. */
export const reasonOf = (failure: Failure): Reason => {
  if (failure._tag === "Problem") return failure.reason
  if (failure._tag === "BadArgument") return "unknown"
  if (failure.reason === "TimedOut") return "timeout"
  return failure.reason === "Unknown" ? reasonOfCode(codeOf(failure.cause)) : "unavailable"
}
