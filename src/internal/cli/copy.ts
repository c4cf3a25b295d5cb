/** `copy`: copies all sessions from one store to another, or moves them. */
import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
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
    // A copy makes the directory it goes to, but no database and no table.
    const isNew = target.driver === "file" && !existsSync(target.directory)
    if (!isNew) yield* assertThere(target, target.migrate)
    // A table that is missing is told of before anything is asked or counted.
    if (!isNew) yield* Effect.scoped(Layer.build(opened(target)))
    yield* copyBetween(source, target, how)
  })

const copyBetween = (
  source: Side,
  target: Side,
  { dryRun, json, move, yes }: Pick<Question, "dryRun" | "json" | "move" | "yes">
) =>
  Effect.gen(function* () {
    const names = `from ${source.description} to ${target.description}`
    const stores = { from: opened(source), to: opened(target) }
    const inBoth = Effect.mapError(inStore(names))
    if (dryRun) {
      const { total } = yield* inBoth(SessionStore.copy({ ...stores, dryRun }))
      const all = Format.counted(total, "session")
      const said = `Would ${move ? "move" : "copy"} ${all} ${names}. Nothing was changed.`
      return yield* Format.show(json, { total }, () => said)
    }
    if (move && !yes) {
      const all = `all sessions ${names}`
      const question = `Move ${all}? They are removed from the first store.`
      yield* confirm(question, `To move ${all}, add --yes.`)
    }
    const doing = move ? "Moved" : "Copied"
    const report = yield* Progress.track(
      { doing, advice: "To go on, run the command again." },
      (tell) =>
        inBoth(
          SessionStore.copy({ ...stores, move, onProgress: ({ done, total }) => tell(done, total) })
        )
    )
    yield* Format.show(json, report, () => textOf(report, `${doing} %s ${names}.`))
  })

const textOf = (
  { copied, done, unreadable }: SessionStore.CopyReport,
  sentence: string
): string => {
  const there = done - copied - unreadable
  return [
    sentence.replace("%s", () => Format.counted(copied, "session")),
    ...(there > 0 ? [`${Format.grouped(there)} more were there already.`] : []),
    ...(unreadable > 0 ? [`${Format.grouped(unreadable)} could not be read and stayed.`] : [])
  ].join(" ")
}

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
  Layer.mapError(store, (failure) => {
    const { message } = inStore(description)(failure)
    const advised = message.replaceAll("npx effect-session migrate", migrate)
    return new CliError({ message: `${option} (${description}): ${advised}` })
  })
