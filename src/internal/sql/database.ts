/**
 * How the store talks to the app's `SqlClient`: outside the caller's transaction, with a deadline, with typed errors.
 *
 * The transaction of `@effect/sql` lies in the caller's context, and one tag serves all clients. Left there, it would make
 * a session part of what the app rolls back, or send it to another database.
 */

import { type SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import { SessionStoreError } from "../errors/errors.js"
import { countOf, type Dialect, type Parameter, type Row, type Statements } from "./dialect.js"
import { failureOf, toStoreError } from "./failure.js"
import { mysql } from "./mysql.js"
import { postgres } from "./postgres.js"
import { sqlite } from "./sqlite.js"

/** Where libSQL's client keeps the caller's transaction: it has a tag of its own, which it does not export. */
const LibsqlTransaction = Context.GenericTag<unknown>(
  "@effect/sql-libsql/LibsqlClient/LibsqlTransaction"
)

/** How long a call about one session may take, in milliseconds. */
const deadlineMillis = 2000

/** How long a call about many sessions may take, a page of them where there are pages. No request waits for those. */
const patientMillis = 30_000

/** How often a statement is repeated that the database undid because of another one. */
const repetitions = 4

/** The app's client, as the store uses it. */
export interface Database extends Statements {
  readonly client: SqlClient
  readonly dialect: Dialect
  /** Runs the statements of one call of the store, named for the errors. */
  readonly call: <A>(
    operation: string,
    statements: Effect.Effect<A, SqlError | SessionStoreError>
  ) => Effect.Effect<A, SessionStoreError>
  /** The same for calls that no request waits for. */
  readonly callPatiently: Database["call"]
  /** The same without a deadline. */
  readonly callWithoutEnd: Database["call"]
}

/** Wraps a client. Dies for a database the store does not know. */
export const makeDatabase = (client: SqlClient): Effect.Effect<Database, SessionStoreError> =>
  Effect.gen(function* () {
    const dialect = dialectOf(client)
    const own = dialect.hasOneConnection ? yield* onlyConnection(client, dialect) : undefined
    const call =
      (millis: number): Database["call"] =>
      (operation, statements) =>
        apart(operation, millis, own, settled(dialect, operation, statements))
    return {
      client,
      dialect,
      query: (text: string, parameters: ReadonlyArray<Parameter>) =>
        client.unsafe<Row>(dialect.native(text), parameters).withoutTransform,
      change: (text: string, parameters: ReadonlyArray<Parameter>) =>
        Effect.flatMap(client.unsafe(dialect.native(text), parameters).raw, (answer) => {
          const count = countOf(answer, dialect.countNames)
          return count === undefined ? tellsNoCount : Effect.succeed(count)
        }),
      call: call(deadlineMillis),
      callPatiently: call(patientMillis),
      callWithoutEnd: call(Number.POSITIVE_INFINITY)
    }
  })

/** A store that could not tell whether a write took place would say so of every write. */
const tellsNoCount = new SqlError({
  message: "The driver does not tell how many rows a statement changed.",
  cause: undefined
})

/** The dialect of a client. Throws for a database the store does not know. */
export const dialectOf = (client: SqlClient): Dialect =>
  client.onDialectOrElse({
    pg: () => postgres,
    mysql: () => mysql,
    sqlite: () => sqlite,
    orElse: () => {
      throw new Error("SqlSessionStore works with PostgreSQL, MySQL, MariaDB and SQLite.")
    }
  })

const onlyConnection = (client: SqlClient, dialect: Dialect) =>
  Effect.mapError(Effect.scoped(client.reserve), (error) => toStoreError(dialect, "open", error))

/** Repeats what a deadlock undid, and translates every other failure. */
const settled = <A>(
  dialect: Dialect,
  operation: string,
  statements: Effect.Effect<A, SqlError | SessionStoreError>
): Effect.Effect<A, SessionStoreError> =>
  statements.pipe(
    Effect.retry({
      times: repetitions,
      while: (error) => error._tag === "SqlError" && failureOf(dialect, error) === "deadlock"
    }),
    Effect.mapError((error) =>
      error._tag === "SqlError" ? toStoreError(dialect, operation, error) : error
    )
  )

/**
 * Runs an effect in a fiber of its own, without the caller's transaction. When the time is over the caller goes on with a
 * `timeout`, and the fiber is interrupted, which cancels the statement where the driver can.
 */
const apart = <A>(
  operation: string,
  millis: number,
  own: Connection | undefined,
  effect: Effect.Effect<A, SessionStoreError>
): Effect.Effect<A, SessionStoreError> =>
  Effect.withFiberRuntime((parent) => {
    const ambient = Context.getOption(parent.currentContext, TransactionConnection)
    if (own !== undefined && ambient._tag === "Some" && ambient.value[0] === own) {
      return Effect.fail(insideOwnTransaction(operation))
    }
    const runtime = Runtime.make({
      context: Context.omit(TransactionConnection, LibsqlTransaction)(parent.currentContext),
      fiberRefs: parent.getFiberRefs(),
      // The caller may be in an uninterruptible region, as the end of a request is; the statement is not.
      runtimeFlags: Runtime.defaultRuntimeFlags
    })
    const fiber = Runtime.runFork(runtime)(effect)
    const exit = fiber.unsafePoll()
    if (exit !== null) return exit
    return Effect.async<A, SessionStoreError>((resume) => {
      const giveUp = () => {
        resume(Effect.fail(new SessionStoreError({ operation, reason: "timeout" })))
        fiber.unsafeInterruptAsFork(parent.id())
      }
      const timer = Number.isFinite(millis) ? setTimeout(giveUp, millis) : undefined
      fiber.addObserver((ended: Exit.Exit<A, SessionStoreError>) => {
        clearTimeout(timer)
        resume(ended)
      })
      return Effect.sync(() => {
        clearTimeout(timer)
        fiber.unsafeInterruptAsFork(parent.id())
      })
    })
  })

// Waiting would be waiting for oneself: the caller holds the only connection until its transaction ends.
const insideOwnTransaction = (operation: string) =>
  new SessionStoreError({
    operation,
    reason: "unavailable",
    cause: new Error(
      "The only connection to the SQLite database is inside a transaction of the caller. Give the session store a client of its own, or end the transaction first."
    )
  })
