/** `doctor`: checks what a deployment needs, one thing after the other. */
import { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SessionConfig from "../../SessionConfig.js"
import { SessionStore } from "../../SessionStore.js"
import type { Choice, DatabaseChoice } from "../env/choice.js"
import { load } from "../env/load.js"
import { SessionStoreError } from "../errors/errors.js"
import { aProbe } from "../store/migrating/copyAll.js"
import { CliError, type Failure, inStore } from "./CliError.js"
import * as Format from "./format.js"
import { chosen } from "./store.js"

/** The result of one check. */
interface Check {
  readonly check: "settings" | "store" | "table" | "reading and writing" | "clock"
  readonly ok: boolean
  readonly message: string
}

/** `doctor`: shows every check, and fails when one did. With `keepEnded` a row without payload stays of its probe. */
export const doctor = ({ json }: { readonly json: boolean }) =>
  Effect.gen(function* () {
    const checks = yield* examined
    const failed = checks.filter(({ ok }) => !ok).length
    yield* Format.show(json, { ok: failed === 0, checks }, () =>
      Format.columns(
        ["", "check", "result"],
        checks.map(({ check, message, ok }) => [ok ? "ok" : "FAILED", check, message])
      )
    )
    if (failed > 0) {
      const message = `${failed} of ${Format.counted(checks.length, "check")} failed.`
      return yield* new CliError({ message })
    }
  })

const examined: Effect.Effect<ReadonlyArray<Check>> = Effect.gen(function* () {
  const settings = yield* checked("settings", settingsAreFine)
  const choice = yield* Effect.either(chosen)
  if (Either.isLeft(choice)) return [settings, yield* checked("store", choice.left)]
  const { description } = choice.right
  const inside = (check: Check["check"], effect: Effect.Effect<string, Failure>) =>
    checked(check, Effect.mapError(effect, inStore(description)))
  const database = choice.right.driver === "database" ? choice.right : undefined
  const checks = [
    checked("store", Effect.succeed(description)),
    ...(database === undefined ? [] : [inside("table", tableIsThere(database))]),
    inside("reading and writing", probed(choice.right)),
    ...(database === undefined ? [] : [inside("clock", clockAgrees(database))])
  ]
  return [settings, ...(yield* Effect.all(checks))]
})

const checked = (
  check: Check["check"],
  effect: Effect.Effect<string, Failure>
): Effect.Effect<Check> =>
  Effect.match(effect, {
    onSuccess: (message) => ({ check, ok: true, message }),
    onFailure: ({ message }) => ({ check, ok: false, message })
  })

const settingsAreFine = Effect.as(
  Effect.scoped(Layer.build(SessionConfig.layerEnv)),
  "SessionConfig.layerEnv accepts them"
)

const sql = load("SESSION_DRIVER", "@effect/sql", () => import("../sql/inspect.js"))

const tableIsThere = ({ client, table }: DatabaseChoice): Effect.Effect<string, Failure> =>
  Effect.flatMap(Effect.all([sql, SqlClient]), ([{ inspectTable }, found]) =>
    Effect.as(inspectTable(found, table), `the table ${table} is up to date`)
  ).pipe(Effect.provide(client))

/** Stores, finds and removes a session of the library's own, in a namespace that no cookie reaches. */
const probed = ({ store }: Choice): Effect.Effect<string, Failure> =>
  Effect.gen(function* () {
    const { find, insert, remove } = yield* SessionStore
    const probe = yield* aProbe
    const began = performance.now()
    yield* insert(probe)
    const found = yield* Effect.ensuring(find(probe.id), Effect.ignore(remove(probe.id)))
    const millis = Math.round(performance.now() - began)
    if (Option.isSome(found)) return `stored, found and removed a session in ${millis} ms`
    return yield* new SessionStoreError({ operation: "find", reason: "unknown" })
  }).pipe(Effect.provide(store))

/** Beyond this the clocks are worth a look: servers agree on an expiry up to the difference of their clocks. */
const skewMillis = 1000

const clockAgrees = ({ client }: DatabaseChoice): Effect.Effect<string, Failure> =>
  Effect.gen(function* () {
    const { inspectClock } = yield* sql
    const millis = yield* inspectClock(yield* SqlClient)
    const difference = `the clocks of the database and of this host differ by ${millis} ms`
    if (millis <= skewMillis) return difference
    return yield* new CliError({ message: `${difference}: set both with NTP.` })
  }).pipe(Effect.provide(client))
