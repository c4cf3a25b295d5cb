/** The store a command works on: the one that the environment names, if it is not the memory of a server. */
import { existsSync, readdirSync, statSync } from "node:fs"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { SessionStore } from "../../SessionStore.js"
import { type Choice, choose } from "../env/choice.js"
import { isShard } from "../file/paths.js"
import { figures as figuresOf } from "../store/derivedAnalytics.js"
import { CliError, type Failure, inStore } from "./CliError.js"
import * as Progress from "./progress.js"

/** The store of the environment. */
export const chosen: Effect.Effect<Choice, Failure> = Effect.filterOrFail(
  choose(),
  ({ driver }) => driver !== "memory",
  () =>
    new CliError({
      message:
        "The sessions are in the memory of the server, where no command can reach them. Set SESSION_DRIVER to file, database or redis."
    })
)

/** Runs a command on the store of the environment. */
export const withStore = <A, E extends Failure, R>(
  command: Effect.Effect<A, E, R>
): Effect.Effect<A, Failure, Exclude<R, SessionStore>> =>
  Effect.gen(function* () {
    const choice = yield* chosen
    yield* assertThere(choice)
    return yield* Effect.mapError(
      Effect.provide(command, choice.store),
      inStore(choice.description)
    )
  })

/** Runs a command that only lists the store, and tells how far the listing is. A database adds up by itself, unseen. */
export const withListing = <A, E extends Failure, R>(command: Effect.Effect<A, E, R>) =>
  withStore(
    Progress.track({ doing: "Read", advice: "Nothing was changed." }, (tell) =>
      Effect.flatMap(Effect.all([SessionStore, chosen]), ([store, { driver }]) => {
        let done = 0
        const entries: typeof store.entries = (filter) =>
          Stream.mapChunksEffect(store.entries(filter), (chunk) => {
            done += Chunk.size(chunk)
            return Effect.as(tell(done), chunk)
          })
        const figures = driver === "database" ? store.figures : figuresOf(entries)
        return Effect.provideService(command, SessionStore, { ...store, entries, figures })
      })
    )
  )

/** Fails where no store is. Opening one there would make its directory or its file. */
export const assertThere = (
  choice: Choice,
  migrate = "npx effect-session migrate"
): Effect.Effect<void, CliError> => {
  const message = absence(choice, migrate)
  return message === undefined ? Effect.void : new CliError({ message })
}

const absence = (choice: Choice, migrate: string): string | undefined => {
  if (choice.driver === "file") {
    const { directory } = choice
    if (!existsSync(directory)) {
      return `There is no directory ${directory}. Either no server has kept sessions there yet, or SESSION_FILES must name another directory. Nothing was changed.`
    }
    return isOfOthers(directory)
      ? `The directory ${directory} holds no sessions but other files: SESSION_FILES must name another directory. Nothing was changed.`
      : undefined
  }
  return choice.driver === "database" && choice.file !== undefined && !existsSync(choice.file)
    ? `There is no database ${choice.file}. Make it with "${migrate}", or name another file. Nothing was changed.`
    : undefined
}

/** The store would change who may read the directory. Files such as `.gitignore` may be in any. */
const isOfOthers = (directory: string): boolean => {
  if (!statSync(directory).isDirectory()) return false
  const names = readdirSync(directory).filter((name) => !name.startsWith("."))
  return names.length > 0 && !names.some((name) => isShard(name) || name.startsWith("holder_"))
}
