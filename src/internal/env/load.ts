/** Loads an optional package when it is needed, so that only those in use must be installed. */
import * as Effect from "effect/Effect"
import { SessionConfigError } from "../errors/errors.js"
import { installing, isNotInstalled, type OptionalPackage } from "./optionalPackages.js"

/** Loads a module of `packageName`. When that is not installed, the error names the variable that asked for it. */
export const load = <A>(
  variable: string,
  packageName: OptionalPackage,
  module: () => Promise<A>
): Effect.Effect<A, SessionConfigError> =>
  Effect.tryPromise({
    try: module,
    catch: (cause) =>
      new SessionConfigError({
        field: variable,
        reason: isNotInstalled(cause, [packageName])
          ? `needs the package ${packageName}. Install it with: ${installing([packageName])}`
          : `needs the package ${packageName}, which is installed but cannot be loaded.`
      })
  })
