/** `copy`: moves all sessions from one store to another. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SessionStore from "../../SessionStore.js"
import { type Choice, chooseAt } from "../env/choice.js"
import { CliError, type Failure, inStore } from "./CliError.js"
import * as Format from "./format.js"
import * as Progress from "./progress.js"
import { chosen, isMissing } from "./store.js"

/** What `copy` is asked. */
interface Question {
  readonly json: boolean
  readonly from: string | undefined
  readonly to: string | undefined
  readonly fromTable: string
  readonly toTable: string
}

/** `copy`: each session is in one of the two stores at any time, so it may be stopped and run again. */
export const copy = ({ from, fromTable, json, to, toTable }: Question) =>
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
    const layer = SessionStore.migrating({
      from: opened("--from", source),
      to: opened("--to", target)
    })
    const copied = yield* Effect.mapError(
      Effect.provide(copyAll(json), layer),
      inStore(`from ${names}`)
    )
    yield* Format.show(
      json,
      { copied },
      () => `Moved ${Format.counted(copied, "session")} from ${names}.`
    )
  })

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
