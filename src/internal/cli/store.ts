/** The store a command works on: the one that the environment names, of which `memory` is none. */
import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import type { SessionStore } from "../../SessionStore.js"
import { type Choice, choose } from "../env/choice.js"
import { type Failure, Problem } from "./problem.js"

/** Describes the store in use, for the sentence of a failure. */
export const where: FiberRef.FiberRef<string | undefined> = globalValue(
  "effect-session/internal/cli/where",
  () => FiberRef.unsafeMake<string | undefined>(undefined)
)

/** The choice of the environment, if a command line can work on it. */
export const reachable: Effect.Effect<Choice, Failure> = Effect.filterOrFail(
  choose(),
  ({ driver }) => driver !== "memory",
  () =>
    new Problem({
      message:
        "The sessions are in the memory of the server, where a command cannot reach them: set SESSION_DRIVER to file or database."
    })
)

/** The same, named in the sentence of a failure from here on. */
const chosen = Effect.tap(reachable, ({ description }) => FiberRef.set(where, description))

/** Runs a command on the store that the environment names. */
export const withStore = <A, E extends Failure, R>(
  command: Effect.Effect<A, E, R>
): Effect.Effect<A, Failure, Exclude<R, SessionStore>> =>
  Effect.flatMap(Effect.tap(chosen, refuseMissing), ({ store }) => Effect.provide(command, store))

/** A directory that is not there holds no sessions: its name may be a mistake, and opening the store would make it. */
const refuseMissing = ({ directory }: Choice): Effect.Effect<void, Problem> =>
  isMissing(directory)
    ? new Problem({
        message: `There is no directory ${directory}: no server has kept sessions there yet, or SESSION_FILES must name another. Nothing was changed.`
      })
    : Effect.void

/** True for the directory of a chosen store that is not there. */
export const isMissing = (directory: string | undefined): directory is string =>
  directory !== undefined && !existsSync(directory)

/** The database of the environment. */
export const chosenDatabase = Effect.flatMap(chosen, ({ database }) =>
  database === undefined
    ? new Problem({
        message: "There is nothing to migrate: SESSION_DRIVER is file, and files need no table."
      })
    : Effect.succeed(database)
)
