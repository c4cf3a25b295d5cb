/**
 * How the store talks to the app's `SqlClient`: outside the caller's transaction, with a deadline, with typed errors.
 *
 * `@effect/sql` keeps an open transaction in the caller's context, under one tag for all clients. A statement that found it
 * there would be undone when the app rolls back, or go to another database.
 */

import { type SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { apart, callerContext } from "../effect/apart.js"
import { type RunningFiber, withFiber } from "../effect/fiber.js"
import { SessionStoreError } from "../errors/errors.js"
import { countOf, type Dialect, type Row, type Statements } from "./dialect.js"
import { failureOf, toStoreError } from "./failure.js"
import { mysql } from "./mysql.js"
import { postgres } from "./postgres.js"
import { sqlite } from "./sqlite.js"

/** How long a call about one session may take, in milliseconds. */
const deadlineMillis = 2000

/** How long a call about many sessions may take, in milliseconds; if it goes by pages, how long a page may take. */
const longDeadlineMillis = 30_000

/** How often a statement that lost a deadlock is sent again. */
const repetitions = 4

/** The app's client, as the store uses it. */
export interface Database extends Statements {
  readonly client: SqlClient
  readonly dialect: Dialect
  /** Runs the statements of one call of the store; `operation` names the call in errors. */
  readonly call: <A>(
    operation: string,
    statements: Effect.Effect<A, SqlError | SessionStoreError>
  ) => Effect.Effect<A, SessionStoreError>
  /** The same with a longer deadline, for calls that no request waits for. */
  readonly longCall: Database["call"]
  /** The same without a deadline. */
  readonly endlessCall: Database["call"]
}

/** Wraps a client. */
export const makeDatabase = (
  client: SqlClient,
  dialect = dialectOf(client)
): Effect.Effect<Database, SessionStoreError> =>
  Effect.gen(function* () {
    const only = dialect.hasOneConnection
      ? yield* Effect.mapError(Effect.scoped(client.reserve), (error) =>
          toStoreError(dialect, "open", error)
        )
      : undefined
    const callWithin =
      (millis: number): Database["call"] =>
      (operation, statements) => {
        const call = apart(repeated(dialect, operation, statements), {
          millis,
          onTimeout: () => new SessionStoreError({ operation, reason: "timeout" }),
          onInterrupt: "interrupt"
        })
        if (only === undefined) return call
        // The call would wait for its own caller.
        return withFiber((fiber) =>
          transactionOf(fiber)?.[0] === only ? Effect.fail(insideTransaction(operation)) : call
        )
      }
    return {
      client,
      dialect,
      query: (text, parameters) =>
        client.unsafe<Row>(dialect.native(text), parameters).withoutTransform,
      change: (text, parameters) =>
        Effect.flatMap(client.unsafe(dialect.native(text), parameters).raw, (answer) => {
          const count = countOf(answer)
          return count === undefined ? tellsNoCount : Effect.succeed(count)
        }),
      call: callWithin(deadlineMillis),
      longCall: callWithin(longDeadlineMillis),
      endlessCall: callWithin(Number.POSITIVE_INFINITY)
    }
  })

/** Without the count the store could not tell whether a write took place. */
const tellsNoCount = new SqlError({
  message: "The driver does not tell how many rows a statement changed.",
  cause: undefined
})

/** The dialect of a client. Throws if the store does not know its database. */
export const dialectOf = (client: SqlClient): Dialect =>
  client.onDialectOrElse({
    pg: () => postgres,
    mysql: () => mysql,
    sqlite: () => sqlite,
    orElse: () => {
      throw new Error("SqlSessionStore works with PostgreSQL, MySQL, MariaDB and SQLite.")
    }
  })

/** Sends statements again that lost a deadlock, and translates every other failure. */
const repeated = <A>(
  dialect: Dialect,
  operation: string,
  statements: Effect.Effect<A, SqlError | SessionStoreError>,
  left = repetitions
): Effect.Effect<A, SessionStoreError> =>
  Effect.catchAll(statements, (error) => {
    if (error._tag !== "SqlError") return Effect.fail(error)
    return left > 0 && failureOf(dialect, error) === "deadlock"
      ? repeated(dialect, operation, statements, left - 1)
      : Effect.fail(toStoreError(dialect, operation, error))
  })

const transactionOf = (fiber: RunningFiber) =>
  Option.getOrUndefined(Context.getOption(callerContext(fiber), TransactionConnection))

const insideTransaction = (operation: string) =>
  new SessionStoreError({
    operation,
    reason: "unavailable",
    cause: new Error(
      "The only connection to the SQLite database is inside a transaction of the caller. Give the session store a client of its own, or end the transaction first."
    )
  })
