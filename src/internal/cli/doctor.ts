/** `doctor`: checks what a deployment needs, one thing after the other. */

import { readdirSync } from "node:fs"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SessionConfig from "../../SessionConfig.js"
import { type SessionRecord, SessionStore } from "../../SessionStore.js"
import { type Choice, choose, type DatabaseChoice, type RedisChoice } from "../env/choice.js"
import { load } from "../env/load.js"
import { SessionStoreError } from "../errors/errors.js"
import { isShard } from "../file/paths.js"
import { baseOf } from "../redis/options.js"
import { aProbe } from "../store/migrating/copyAll.js"
import { CliError, type Failure, inStore } from "./CliError.js"
import * as Format from "./format.js"
import { Run } from "./Run.js"
import { assertThere, chosen } from "./store.js"

/** The result of one check. */
interface Check {
  readonly check: string
  readonly ok: boolean
  readonly message: string
}

/** `doctor`: shows every check, and fails when one did. It leaves nothing behind. */
export const doctor = ({ json }: { readonly json: boolean }) =>
  Effect.gen(function* () {
    const checks = yield* examined
    const failed = checks.filter(({ ok }) => !ok).length
    yield* Format.show(json, { ok: failed === 0, checks }, (screen) =>
      checks
        .map(({ check, message, ok }) => {
          const result = ok
            ? Format.painted(screen, "green", "ok    ")
            : Format.painted(screen, "red", "FAILED")
          return `${result}  ${check.padEnd(19)}  ${Format.printable(message)}`
        })
        .join("\n")
    )
    if (failed > 0) {
      const message = `${failed} of ${Format.counted(checks.length, "check")} failed.`
      return yield* new CliError({ message })
    }
  })

/** Each check stands on those before it: after a place that is wrong nothing else is looked at. */
const examined: Effect.Effect<ReadonlyArray<Check>> = Effect.gen(function* () {
  const checks = [yield* variables, yield* checked("settings", settingsAreFine)]
  const choice = yield* Effect.either(Effect.tap(chosen, (choice) => assertThere(choice)))
  if (Either.isLeft(choice)) return [...checks, yield* checked("store", choice.left)]
  const { description } = choice.right
  checks.push(yield* checked("store", Effect.succeed(description)))
  const inside = (check: string, effect: Effect.Effect<string, Failure>) =>
    checked(check, Effect.mapError(effect, inStore(description)))
  if (choice.right.driver === "database") {
    const { client, table } = choice.right
    const answers = yield* inside("database", databaseAnswers(client))
    if (!answers.ok) return [...checks, answers]
    const isThere = yield* inside("table", tableIsThere(client, table))
    checks.push(yield* inside("clock", clockAgrees(client)), isThere)
    if (!isThere.ok) return checks
  }
  if (choice.right.driver === "redis") {
    const answers = yield* inside("server", askedOfRedis(choice.right, "inspectServer"))
    if (!answers.ok) return [...checks, answers]
    checks.push(answers, yield* inside("memory", askedOfRedis(choice.right, "inspectEviction")))
  }
  return [...checks, yield* inside("reading and writing", probed(choice.right))]
})

const checked = (check: string, effect: Effect.Effect<string, Failure>): Effect.Effect<Check> =>
  Effect.match(effect, {
    onSuccess: (message) => ({ check, ok: true, message }),
    onFailure: ({ message }) => ({ check, ok: false, message })
  })

const variables = Effect.map(Run, ({ envFile }): Check => {
  const names = envFile?.names.filter((name) => /^SESSION_|^DATABASE_URL$|^REDIS_/.test(name)) ?? []
  const given = names.length === 0 ? "nothing that counts here" : names.join(", ")
  const message =
    envFile === undefined
      ? "of the process; no .env was read"
      : `of the process, then of ${envFile.path}, which gives ${given}`
  return { check: "variables", ok: true, message }
})

const settingsAreFine = Effect.as(
  Effect.scoped(Layer.build(SessionConfig.layerEnv)),
  "SessionConfig.layerEnv accepts them"
)

const sql = Effect.all({
  client: load("SESSION_DRIVER", "@effect/sql", () => import("@effect/sql/SqlClient")),
  inspect: load("SESSION_DRIVER", "@effect/sql", () => import("../sql/inspect.js"))
})

type Client = DatabaseChoice["client"]

/** Asks the database something. */
const asked = <A, E extends Failure>(
  client: Client,
  question: (inspect: typeof import("../sql/inspect.js"), client: SqlClient) => Effect.Effect<A, E>
): Effect.Effect<A, Failure> =>
  Effect.flatMap(sql, ({ client: { SqlClient }, inspect }) =>
    Effect.provide(
      Effect.flatMap(SqlClient, (found) => question(inspect, found)),
      client
    )
  )

const databaseAnswers = (client: Client) =>
  Effect.as(
    asked(client, ({ inspectClock }, found) => inspectClock(found)),
    "it answers"
  )

const tableIsThere = (client: Client, table: string) =>
  Effect.as(
    asked(client, ({ inspectTable }, found) => inspectTable(found, table)),
    `the table ${table} is up to date`
  )

const redis = load("SESSION_DRIVER", "redis", () => import("../redis/inspect.js"))

/** Asks Redis something. */
const askedOfRedis = (
  { prefix, server }: RedisChoice,
  question: "inspectServer" | "inspectEviction"
) =>
  Effect.flatMap(Effect.all([baseOf(prefix), redis]), ([base, inspect]) =>
    inspect[question](server, base)
  )

/** Puts a session of a file store among others, so that no directory is made for it if one is there. */
const inExistingShard = (choice: Choice, probe: SessionRecord): SessionRecord => {
  const names = choice.driver === "file" ? readdirSync(choice.directory) : []
  const shard = names.find(isShard) ?? ""
  return { ...probe, id: shard + probe.id.slice(shard.length) }
}

/** Characters of one to four bytes. */
const text = "a\u00e9\u20ac\u{1f600}"

/** Stores, finds and removes a session of the library's own, in a namespace that no cookie reaches. */
const probed = (choice: Choice): Effect.Effect<string, Failure> =>
  Effect.gen(function* () {
    const { find, insert, remove } = yield* SessionStore
    const probe = { ...inExistingShard(choice, yield* aProbe), userId: text, payload: text }
    const began = performance.now()
    yield* insert(probe)
    const found = yield* Effect.ensuring(find(probe.id), Effect.ignore(remove(probe.id)))
    const millis = Math.round(performance.now() - began)
    if (Option.isNone(found)) {
      return yield* new SessionStoreError({ operation: "find", reason: "unknown" })
    }
    const { payload, userId } = found.value
    if (payload === text && userId === text) {
      return `stored, found and removed a session in ${millis} ms`
    }
    const message =
      "The store does not give text back as it was. Give the database and its connection the character set UTF-8 (MySQL: utf8mb4)."
    return yield* new CliError({ message })
    // Nothing is kept of the session, whatever the environment says.
  }).pipe(Effect.provide(Layer.unwrapEffect(Effect.map(choose(0), ({ store }) => store))))

/** Beyond this the clocks are worth a look: servers agree on an expiry up to the difference of their clocks. */
const skewMillis = 1000

const clockAgrees = (client: Client): Effect.Effect<string, Failure> =>
  Effect.gen(function* () {
    const millis = yield* asked(client, ({ inspectClock }, found) => inspectClock(found))
    const difference = `the clocks of the database and of this host differ by ${millis} ms`
    if (millis <= skewMillis) return difference
    return yield* new CliError({ message: `${difference}: set both with NTP.` })
  })
