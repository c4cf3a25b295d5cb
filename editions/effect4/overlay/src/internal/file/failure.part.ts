import type { SystemErrorTag } from "effect/PlatformError"

const isOfSystem = (reason: SystemErrorTag, code: string) => (failure: Failure) =>
  failure._tag === "PlatformError" ? failure.reason._tag === reason : codeOf(failure.cause) === code

export const reasonOf = (failure: Failure): Reason => {
  if (failure._tag === "Problem") return failure.reason
  const { _tag, cause } = failure.reason
  if (_tag === "BadArgument") return "unknown"
  if (_tag === "TimedOut") return "timeout"
  return _tag === "Unknown" ? reasonOfCode(codeOf(cause)) : "unavailable"
}
