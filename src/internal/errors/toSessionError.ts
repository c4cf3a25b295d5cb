/** Turns a fault of the pure core into the error a developer sees. */
import type { Fault } from "../../core/session/fault.js"
import { SessionEncodeError, SessionKeyError, SessionTypeError } from "./errors.js"

/** The error of a fault, for the operation and key it happened in. */
export const toSessionError = (fault: Fault, operation: string, key: string) => {
  const details = { operation, key, reason: fault.reason }
  switch (fault.kind) {
    case "key":
      return new SessionKeyError(details)
    case "encode":
      return new SessionEncodeError(details)
    case "type":
    case "busy":
      return new SessionTypeError(details)
  }
}
