/**
 * Fills a SQLite database with sessions, prints who is and was here, and logs a user out everywhere.
 * Run it with `npx tsx examples/analytics/main.ts`.
 */
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Console, Effect, Layer } from "effect"
import * as SqlSessionStore from "effect-session/SqlSessionStore"
import { forceLogout, report } from "./report.js"
import { seed } from "./seed.js"

// Figures of the past need ended sessions, so keep them.
const store = SqlSessionStore.layerMigratedWith({ keepEnded: "30 days" }).pipe(
  Layer.provide(SqliteClient.layer({ filename: ":memory:" }))
)

const main = Effect.gen(function* () {
  yield* seed
  for (const line of yield* report) yield* Console.log(line)
  yield* Console.log(yield* forceLogout("ada"))
})

await Effect.runPromise(Effect.provide(main, store))
