/** `doctor`: what a deployment needs, checked one by one. */
import * as Command from "@effect/cli/Command"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SessionConfig from "../../SessionConfig.js"
import { SessionStore } from "../../SessionStore.js"
import type { Choice, Database } from "../env/choice.js"
import { load } from "../env/load.js"
import { SessionStoreError } from "../errors/errors.js"
import { aProbe } from "../store/migrating/store.js"
import { json } from "./options.js"
import * as Present from "./present.js"
import { type Failure, Problem, sentenceOf } from "./problem.js"
import { reachable } from "./store.js"

/** What became of one check. */
interface Check {
  readonly check: "settings" | "store" | "table" | "reading and writing" | "clock"
  readonly ok: boolean
  readonly message: string
}

/** `doctor`: shows every check, and fails when one did. Its probe is removed; with `keepEnded` a row without payload stays. */
export const doctor = Command.make("doctor", { json }, ({ json }) =>
  Effect.gen(function* () {
    const checks = yield* examined
    const failed = checks.filter(({ ok }) => !ok).length
    yield* Present.show(json, { ok: failed === 0, checks }, () =>
      Present.columns(
        ["", "check", "result"],
        checks.map(({ check, message, ok }) => [ok ? "ok" : "FAILED", check, message])
      )
    )
    if (failed > 0) {
      const message = `${failed} of ${Present.counted(checks.length, "check")} failed.`
      return yield* new Problem({ message })
    }
  })
).pipe(Command.withDescription("Checks the settings, the store, its table and its clock."))

const examined: Effect.Effect<ReadonlyArray<Check>> = Effect.gen(function* () {
  const settings = yield* tried("settings", undefined, settingsAreFine)
  const choice = yield* Effect.either(reachable)
  if (Either.isLeft(choice)) {
    return [settings, { check: "store", ok: false, message: sentenceOf(choice.left, undefined) }]
  }
  const { database, description } = choice.right
  const store: Check = { check: "store", ok: true, message: description }
  const others = [
    ...(database === undefined ? [] : [tried("table", description, tableIsThere(database))]),
    tried("reading and writing", description, probed(choice.right)),
    ...(database === undefined ? [] : [tried("clock", description, clockAgrees(database))])
  ]
  return [settings, store, ...(yield* Effect.all(others))]
})

const tried = (
  check: Check["check"],
  where: string | undefined,
  effect: Effect.Effect<string, Failure>
): Effect.Effect<Check> =>
  Effect.match(effect, {
    onSuccess: (message) => ({ check, ok: true, message }),
    onFailure: (failure) => ({ check, ok: false, message: sentenceOf(failure, where) })
  })

const settingsAreFine = Effect.as(
  Effect.scoped(Layer.build(SessionConfig.layerEnv)),
  "SessionConfig.layerEnv takes them"
)

const sql = load("SESSION_DRIVER", "@effect/sql", () => import("../sql/inspect.js"))

const tableIsThere = ({ client, table }: Database): Effect.Effect<string, Failure> =>
  Effect.flatMap(sql, ({ inspectTable }) =>
    Effect.as(
      Effect.provide(
        Effect.flatMap(SqlClient, (found) => inspectTable(found, table)),
        client
      ),
      `${table} is up to date`
    )
  )

/** A session of the library's own, in a namespace that no cookie reaches. */
const probed = ({ store }: Choice): Effect.Effect<string, Failure> =>
  Effect.gen(function* () {
    const { find, insert, remove } = yield* SessionStore
    const probe = yield* aProbe
    const began = performance.now()
    yield* insert(probe)
    const found = yield* Effect.ensuring(find(probe.id), Effect.ignore(remove(probe.id)))
    const millis = Math.round(performance.now() - began)
    if (Option.isSome(found)) return `a session was stored, found and removed in ${millis} ms`
    return yield* new SessionStoreError({ operation: "find", reason: "unknown" })
  }).pipe(Effect.provide(store))

/** More than that is worth a look: servers agree on an expiry up to the difference of their clocks. */
const skewMillis = 1000

const clockAgrees = ({ client }: Database): Effect.Effect<string, Failure> =>
  Effect.gen(function* () {
    const { inspectClock } = yield* sql
    const millis = yield* Effect.provide(Effect.flatMap(SqlClient, inspectClock), client)
    const difference = `the database's clock differs from the one here by ${millis} ms`
    if (millis <= skewMillis) return difference
    return yield* new Problem({ message: `${difference}: keep both right with NTP.` })
  })
