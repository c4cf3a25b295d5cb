/** `copy`: moves all sessions from one store to another. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as SessionStore from "../../SessionStore.js"
import { type Choice, chooseAt } from "../env/choice.js"
import { SessionConfigError } from "../errors/errors.js"
import { json } from "./options.js"
import * as Present from "./present.js"
import { type Failure, Problem } from "./problem.js"
import * as Progress from "./progress.js"
import { isMissing, reachable, where } from "./store.js"

const place = (name: "from" | "to") =>
  Options.optional(
    Options.text(name).pipe(
      Options.withDescription(
        "A store: file: and a directory, the URL of a database, or the name of a variable that holds either. By default the store that the environment names."
      )
    )
  )

const table = (name: "from-table" | "to-table") =>
  Options.text(name).pipe(
    Options.withDefault("sessions"),
    Options.withDescription("The table, where that store is a database given by this command.")
  )

/** `copy`: each session is in one of the two stores at any time, so it may be stopped and run again. */
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
      if (Option.isNone(from) && Option.isNone(to)) {
        const message = "Say what to copy: --from, --to or both. Nothing was changed."
        return yield* new Problem({ message })
      }
      const stores = {
        from: yield* storeOf("--from", from, fromTable),
        to: yield* storeOf("--to", to, toTable)
      }
      yield* refuseMissing(stores.from)
      const names = `${stores.from.description} to ${stores.to.description}`
      yield* FiberRef.set(where, names)
      const layer = SessionStore.migrating({ from: stores.from.store, to: stores.to.store })
      const copied = yield* Effect.provide(copyAll(json), layer)
      yield* Present.show(
        json,
        { copied },
        () => `Copied ${Present.counted(copied, "session")} from ${names}.`
      )
    })
).pipe(
  Command.withDescription(
    "Moves all live sessions to another store. Servers must run on both (SessionStore.migrating) or stand still meanwhile."
  )
)

/** A directory that is not there holds nothing to copy: its name is a mistake, and opening it would make it. */
const refuseMissing = ({ description, directory }: Choice): Effect.Effect<void, Problem> =>
  isMissing(directory)
    ? new Problem({
        message: `There is nothing to copy: ${description} are not there. Nothing was changed.`
      })
    : Effect.void

const storeOf = (
  option: string,
  given: Option.Option<string>,
  table: string
): Effect.Effect<Choice, Failure> =>
  Option.match(given, { onNone: () => reachable, onSome: (text) => chooseAt(option, text, table) })

const copyAll = (json: boolean) =>
  Effect.gen(function* () {
    const { left } = yield* SessionStore.copyProgress
    const progress = Progress.begin("Copying", left, json)
    let shown = 0
    const show = (copied: number) =>
      Effect.suspend(() => {
        const by = copied - shown
        shown = copied
        return progress.advance(by)
      })
    const watching = Effect.ignore(
      Effect.flatMap(SessionStore.copyProgress, ({ copied }) => show(copied))
    )
    const watch = progress.shows
      ? Effect.forever(Effect.delay(watching, "500 millis"))
      : Effect.never
    const copied = yield* Effect.raceFirst(SessionStore.copy, watch)
    yield* show(copied)
    yield* progress.end
    return copied
  }).pipe(
    // One store given twice is a mistake of whoever typed it, here.
    Effect.catchSomeCause((cause) =>
      Option.map(
        Option.filter(Cause.dieOption(cause), (defect) => defect instanceof SessionConfigError),
        () =>
          new Problem({
            message: "--from and --to are one and the same store. Nothing was changed."
          })
      )
    )
  )
