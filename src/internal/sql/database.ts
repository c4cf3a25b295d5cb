/**
 * How the store talks to the app's `SqlClient`: outside the caller's transaction, with a deadline, with typed errors.
 *
 * A client keeps an open transaction in the caller's context. A statement that found it there would be undone when the app
 * rolls back, or, where all clients share that place, go to another database.
 */

import { type SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { apart, callerContext } from "../effect/apart.js"
import { withFiber } from "../effect/fiber.js"
import { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import { deadlineMillis } from "../store/deadline.js"
import { countOf, type Dialect, type Row, type Statements } from "./dialect.js"
import { failureOf, toStoreError } from "./failure.js"
import { mysql } from "./mysql.js"
import { postgres } from "./postgres.js"
import { sqlite } from "./sqlite.js"

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
  /** The same without a deadline, for what may also find a setting wrong. */
  readonly endlessCall: <A>(
    operation: string,
    statements: Effect.Effect<A, SqlError | SessionStoreError | SessionConfigError>
  ) => Effect.Effect<A, SessionStoreError | SessionConfigError>
}

/** Wraps a client. */
export const makeDatabase = (
  client: SqlClient,
  given?: Dialect
): Effect.Effect<Database, SessionStoreError | SessionConfigError> =>
  Effect.gen(function* () {
    const dialect = given ?? (yield* dialectOf(client))
    const only = dialect.hasOneConnection
      ? yield* Effect.mapError(Effect.scoped(client.reserve), (error) =>
          toStoreError(dialect, "open", error)
        )
      : undefined
    const callWithin =
      <E extends SessionConfigError>(millis: number, onInterrupt: "leave" | "interrupt") =>
      <A>(
        operation: string,
        statements: Effect.Effect<A, SqlError | SessionStoreError | E>
      ): Effect.Effect<A, SessionStoreError | E> => {
        const call = apart(repeated(dialect, operation, statements), {
          millis,
          onTimeout: () => new SessionStoreError({ operation, reason: "timeout" }),
          onInterrupt
        })
        if (only === undefined) return call
        // The call would wait for its own caller.
        return withFiber((fiber) => {
          const open = Context.getOption(callerContext(fiber), TransactionConnection)
          return Option.isSome(open) && open.value[0] === only
            ? Effect.fail(insideTransaction(operation))
            : call
        })
      }
    return {
      client,
      dialect,
      ...statementsOf(client, dialect),
      // To cancel a statement takes another connection, which clients that go away in numbers would use up.
      call: callWithin<never>(deadlineMillis, "leave"),
      longCall: callWithin<never>(longDeadlineMillis, "interrupt"),
      endlessCall: callWithin<SessionConfigError>(Number.POSITIVE_INFINITY, "interrupt")
    }
  })

/** How a client sends statements. */
export const statementsOf = (client: SqlClient, dialect: Dialect): Statements => ({
  query: (text, parameters) =>
    client.unsafe<Row>(dialect.native(text), parameters).withoutTransform,
  change: (text, parameters) =>
    Effect.flatMap(client.unsafe(dialect.native(text), parameters).raw, (answer) => {
      const count = countOf(answer)
      return count === undefined ? tellsNoCount : Effect.succeed(count)
    })
})

/** Without the count the store could not tell whether a write took place. */
const tellsNoCount = new SqlError({
  message: "The driver does not tell how many rows a statement changed.",
  cause: undefined
})

/** The dialect of a client. */
export const dialectOf = (client: SqlClient): Effect.Effect<Dialect, SessionConfigError> => {
  const dialect = client.onDialectOrElse({
    pg: () => postgres,
    mysql: () => mysql,
    sqlite: () => sqlite,
    orElse: () => undefined
  })
  const reason = "must be one of PostgreSQL, MySQL, MariaDB, SQLite or libSQL."
  return dialect === undefined
    ? Effect.fail(new SessionConfigError({ field: "client", reason }))
    : Effect.succeed(dialect)
}

/** Sends statements again that lost a deadlock, and translates every other failure. */
const repeated = <A, E extends SessionConfigError>(
  dialect: Dialect,
  operation: string,
  statements: Effect.Effect<A, SqlError | SessionStoreError | E>,
  left = repetitions
): Effect.Effect<A, SessionStoreError | E> =>
  Effect.catchAll(statements, (error) => {
    if (error._tag !== "SqlError") return Effect.fail(error)
    return left > 0 && failureOf(dialect, error) === "deadlock"
      ? repeated(dialect, operation, statements, left - 1)
      : Effect.fail(toStoreError(dialect, operation, error))
  })

const insideTransaction = (operation: string) =>
  new SessionStoreError({
    operation,
    reason: "unavailable",
    cause: new Error(
      "The only connection to the SQLite database is inside a transaction of the caller. Give the session store a client of its own, or end the transaction first."
    )
  })
