/** `copy`: copies all sessions from one store to another, or moves them. */
import { existsSync } from "node:fs"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as SessionStore from "../../SessionStore.js"
import { type Choice, chooseAt } from "../env/choice.js"
import { CliError, type Failure, inStore } from "./CliError.js"
import { confirm } from "./confirm.js"
import * as Format from "./format.js"
import * as Progress from "./progress.js"
import { assertThere, chosen } from "./store.js"

/** What `copy` is asked. */
interface Question {
  readonly json: boolean
  readonly from: string | undefined
  readonly to: string | undefined
  readonly fromTable: string
  readonly toTable: string
  readonly move: boolean
  readonly dryRun: boolean
  readonly yes: boolean
}

/** `copy`: may be stopped and run again. */
export const copy = ({ from, to, fromTable, toTable, ...how }: Question) =>
  Effect.gen(function* () {
    if (from === undefined && to === undefined) {
      const message = "Name the stores with --from, --to or both. Nothing was changed."
      return yield* new CliError({ message })
    }
    const source = yield* sideOf("from", from, fromTable)
    const target = yield* sideOf("to", to, toTable)
    if (source.description === target.description) {
      const message = `Both are ${source.description}: there is nothing to copy.`
      return yield* new CliError({ message })
    }
    yield* assertThere(source, source.migrate)
    // Opening it makes a directory, but no table and no database.
    const isNew = target.driver === "file" && !existsSync(target.directory)
    if (!isNew) yield* assertThere(target, target.migrate)
    yield* Effect.scoped(copyBetween(source, target, how, isNew))
  })

const copyBetween = (
  source: Side,
  target: Side,
  { dryRun, json, move, yes }: Pick<Question, "dryRun" | "json" | "move" | "yes">,
  isNew: boolean
) =>
  Effect.gen(function* () {
    const names = `from ${source.description} to ${target.description}`
    const inBoth = Effect.mapError(inStore(names))
    const from = yield* opened(source)
    const to = dryRun && isNew ? undefined : yield* opened(target)
    const { sessions } = yield* inBoth(from.count({}))
    const all = Format.counted(sessions, "session")
    if (dryRun || to === undefined) {
      const said = `Would ${move ? "move" : "copy"} ${all} ${names}. Nothing was changed.`
      return yield* Format.show(json, { sessions }, () => said)
    }
    if (move && !yes) {
      const question = `Move ${all} ${names}? They are removed from the first store.`
      yield* confirm(question, `To move ${all}, add --yes.`)
    }
    const done = move ? "Moved" : "Copied"
    const copied = yield* inBoth(
      Progress.track(
        { doing: done, total: sessions, advice: "To go on, run the command again." },
        (tell) => copyAll(from, to, move, tell)
      )
    )
    yield* Format.show(
      json,
      { copied },
      () => `${done} ${Format.counted(copied, "session")} ${names}.`
    )
  })

// ---------------------------------------------------------------------------------------------------------------------
// the two stores
// ---------------------------------------------------------------------------------------------------------------------

/** One of the two stores. */
type Side = Choice & {
  /** Its option, for errors. */
  readonly option: string
  /** The command that makes its table. */
  readonly migrate: string
}

const sideOf = (
  name: "from" | "to",
  given: string | undefined,
  table: string
): Effect.Effect<Side, Failure> => {
  const option = `--${name}`
  const migrate = "npx effect-session migrate"
  return given === undefined
    ? Effect.map(chosen, (choice) => ({ ...choice, option, migrate }))
    : Effect.map(chooseAt(option, given, table), (choice) => ({
        ...choice,
        option,
        // The URL may hold a password.
        migrate: `${migrate} --to ${given.includes("@") ? `<what ${option} names>` : given} --to-table ${table}`
      }))
}

/** Opens a store. When it cannot be opened, the sentence says which of the two it is, and the advice is for that one. */
const opened = ({ description, migrate, option, store }: Side) =>
  Effect.map(
    Effect.mapError(Layer.build(store), (failure) => {
      const { message } = inStore(description)(failure)
      const advised = message.replaceAll("npx effect-session migrate", migrate)
      return new CliError({ message: `${option} (${description}): ${advised}` })
    }),
    Context.get(SessionStore.SessionStore)
  )

// Until the store can do it: one session after the other.
const copyAll = (
  from: SessionStore.Service,
  to: SessionStore.Service,
  move: boolean,
  tell: (done: number) => Effect.Effect<void>
) => {
  let done = 0
  return from.entries({}).pipe(
    Stream.mapEffect(
      ({ id }) =>
        Effect.gen(function* () {
          const found = yield* from.find(id)
          if (Option.isSome(found) && found.value.id === id) {
            const isNew = yield* to.insert(found.value)
            if (move) yield* from.remove(id)
            if (isNew || move) done += 1
          }
          yield* tell(done)
        }),
      { concurrency: 16 }
    ),
    Stream.runDrain,
    Effect.map(() => done)
  )
}
