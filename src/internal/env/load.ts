/** Loading optional packages at the moment they are needed, so that only those in use must be installed. */
import * as Effect from "effect/Effect"
import { SessionConfigError } from "../errors/errors.js"
import { installing, type OptionalPackage } from "./optionalPackages.js"

/** Loads a module of `packageName`; where that is not installed the error says which variable asked for it. */
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
        reason: isMissing(cause, packageName)
          ? `needs the package ${packageName}: ${installing([packageName])}.`
          : `needs the package ${packageName}, which is installed but cannot be loaded.`
      })
  })

const isMissing = (cause: unknown, packageName: string): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND"
    ? cause.message.includes(packageName)
    : false
