/** Translates a driver's failure into the store's error, without the values that the driver quotes. */
import type { SqlError } from "@effect/sql/SqlError"
import { SessionStoreError } from "../errors/errors.js"
import type { Dialect, DriverFailure, Failure } from "./dialect.js"

/** A driver's failure: its code, and its message without quoted values. The driver's own error may hold whole rows. */
export class DriverError extends Error {
  override readonly name = "DriverError"
  constructor(
    readonly code: string,
    message: string
  ) {
    super(message)
  }
}

const driverFailure = ({ cause, message }: SqlError): DriverFailure => {
  // Not every driver's error is an instance of `Error`.
  const { code, message: said }: { code?: unknown; message?: unknown } = Object(cause)
  return {
    code: typeof code === "string" ? code : "",
    message: typeof said === "string" && said !== "" ? said : (message ?? "")
  }
}

/** What a failure means. */
export const failureOf = (dialect: Dialect, error: SqlError): Failure =>
  dialect.classify(driverFailure(error))

/** Removes all between the first quote and the last: names, but also values of rows and parameters. */
export const withoutQuoted = (message: string): string => message.replace(/['"`].*['"`]/s, "(...)")

/** Makes the store's error of a driver's. */
export const toStoreError = (
  dialect: Dialect,
  operation: string,
  error: SqlError
): SessionStoreError => {
  const driver = driverFailure(error)
  const cause = new DriverError(driver.code, withoutQuoted(driver.message))
  return new SessionStoreError({ operation, reason: reasonOf(dialect.classify(driver)), cause })
}

const reasonOf = (failure: Failure): SessionStoreError["reason"] => {
  switch (failure) {
    case "noTable":
    case "nameTaken":
    case "duplicate":
      return "unknown"
    case "deadlock":
      return "unavailable"
    default:
      return failure
  }
}
