/** The store a command works on: the one that the environment names, if it is not the memory of a server. */
import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { SessionStore } from "../../SessionStore.js"
import { type Choice, choose } from "../env/choice.js"
import { CliError, type Failure, inStore } from "./CliError.js"

/** The store of the environment. */
export const chosen: Effect.Effect<Choice, Failure> = Effect.filterOrFail(
  choose(),
  ({ driver }) => driver !== "memory",
  () =>
    new CliError({
      message:
        "The sessions are in the memory of the server, where no command can reach them. Set SESSION_DRIVER to file or database."
    })
)

/** Runs a command on the store of the environment. */
export const withStore = <A, E extends Failure, R>(
  command: Effect.Effect<A, E, R>
): Effect.Effect<A, Failure, Exclude<R, SessionStore>> =>
  Effect.flatMap(chosen, (choice) =>
    isMissing(choice)
      ? new CliError({
          message: `There is no directory ${choice.directory}. Either no server has kept sessions there yet, or SESSION_FILES must name another directory. Nothing was changed.`
        })
      : Effect.mapError(Effect.provide(command, choice.store), inStore(choice.description))
  )

/**
 * Tells whether the directory of a store is missing. It holds no sessions then, and its name may be a mistake; opening
 * the store would make it.
 */
export const isMissing = (choice: Choice): choice is Extract<Choice, { driver: "file" }> =>
  choice.driver === "file" && !existsSync(choice.directory)
