/** `copy`: copies all sessions from one store to another. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SessionStore from "../../SessionStore.js"
import { type Choice, chooseAt } from "../env/choice.js"
import { CliError, type Failure, inStore } from "./CliError.js"
import * as Format from "./format.js"
import { json, optionalText, textOr } from "./options.js"
import * as Progress from "./progress.js"
import { chosen, isMissing } from "./store.js"

const place = (name: "from" | "to") =>
  optionalText(
    name,
    "A store: file: and a directory, the URL of a database, or the name of a variable that holds either. Default: the store that the environment names."
  )

const table = (name: "from-table" | "to-table") =>
  textOr(name, "sessions", "The table, when the store is a database that this command names.")

/** `copy`: it may be stopped and run again. */
export const copy = Command.make(
  "copy",
  {
    json,
    from: place("from"),
    to: place("to"),
    fromTable: table("from-table"),
    toTable: table("to-table")
  },
  ({ from, fromTable, json, to, toTable }) =>
    Effect.gen(function* () {
      if (from === undefined && to === undefined) {
        const message = "Name the stores with --from, --to or both. Nothing was changed."
        return yield* new CliError({ message })
      }
      const source = yield* storeOf("--from", from, fromTable)
      const target = yield* storeOf("--to", to, toTable)
      if (isMissing(source)) {
        const message = `There is no directory ${source.directory} to copy from. Nothing was changed.`
        return yield* new CliError({ message })
      }
      const names = `${source.description} to ${target.description}`
      const { copied } = yield* Effect.mapError(
        copyAll(json, { from: opened("--from", source), to: opened("--to", target) }),
        inStore(`from ${names}`)
      )
      yield* Format.show(
        json,
        { copied },
        () => `Copied ${Format.counted(copied, "session")} from ${names}.`
      )
    })
).pipe(Command.withDescription("Copies all live sessions to another store."))

const storeOf = (
  option: string,
  given: string | undefined,
  table: string
): Effect.Effect<Choice, Failure> => (given === undefined ? chosen : chooseAt(option, given, table))

/** The store of a choice. When it cannot be opened, the sentence says which of the two it is. */
const opened = (option: string, { description, store }: Choice) =>
  Layer.mapError(store, (failure) => {
    const { message } = inStore(description)(failure)
    return new CliError({ message: `${option}: ${message}` })
  })

const copyAll = <E, R, E2, R2>(
  json: boolean,
  stores: Parameters<typeof SessionStore.copy<E, R, E2, R2>>[0]
) =>
  Effect.suspend(() => {
    let progress = Progress.begin("Copying", 0, json)
    return SessionStore.copy({
      ...stores,
      onProgress: ({ done, total }) => {
        if (done === 0) progress = Progress.begin("Copying", total, json)
        return progress.show(done)
      }
    }).pipe(Effect.zipLeft(Effect.suspend(() => progress.end)))
  })
