/** The database servers that faults are put to: started by the tests, each with what differs between the two. */
import type { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import pg from "pg"
import type { Service } from "../../../src/SessionStore.js"
import * as SqlSessionStore from "../../../src/SqlSessionStore.js"
import { driver, lacksMariadb, startOwnMariadb } from "../../support/mariadb.js"
import { startOwnPostgres } from "../../support/postgres.js"
import { clientOf, lacksDriver } from "../../support/sqlClients.js"

/** What the servers have in common. */
export interface DatabaseServer {
  readonly aDatabase: () => Promise<string>
  readonly run: (url: string, text: string) => Promise<ReadonlyArray<Record<string, unknown>>>
  readonly stopNow: () => Promise<void>
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

/** A kind of server. */
export interface Kind {
  readonly name: "PostgreSQL" | "MariaDB"
  /** True where it cannot be had. */
  readonly isLacking: boolean
  readonly start: () => Promise<DatabaseServer>
  /** A statement that takes so many seconds. */
  readonly sleep: (seconds: number) => string
  /** Counts, as `n`, the connections that run such a statement. */
  readonly sleeping: string
  /** Counts, as `n`, the statements that wait for a lock. */
  readonly waiting: string
  /** Opens connections until the server takes no more; succeeds with what closes them. */
  readonly exhaust: (url: string) => Promise<() => Promise<void>>
  /** Ends every other connection to the database of the URL. */
  readonly disconnect: (server: DatabaseServer, url: string) => Promise<void>
  /** Lets the server of this database take no more writes, or take them again. */
  readonly setReadOnly: (server: DatabaseServer, url: string, on: boolean) => Promise<void>
  readonly setSerializable: (server: DatabaseServer, url: string) => Promise<void>
  /** Limits to a wait for a lock: their names, and what gives the URL under which they hold. */
  readonly limits: ReadonlyArray<readonly [name: string, limit: Run]>
  /** Failures that undo a statement because of another one: their names and codes. */
  readonly undoings: ReadonlyArray<readonly [name: string, code: string]>
  /** Lets the first so many updates of sessions fail with such a code. */
  readonly undoUpdates: (
    server: DatabaseServer,
    url: string,
    code: string,
    times: number
  ) => Promise<void>
  /** How many updates were tried since. */
  readonly attempts: (server: DatabaseServer, url: string) => Promise<number>
}

type Run = (server: DatabaseServer, url: string) => Promise<string>

/** How many connections the servers take. */
export const mostConnections = 30

const postgres: Kind = {
  name: "PostgreSQL",
  isLacking: false,
  start: () => startOwnPostgres({ max_connections: String(mostConnections) }),
  sleep: (seconds) => `select pg_sleep(${seconds})`,
  sleeping:
    "select count(*) as n from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'",
  waiting: "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'",
  exhaust: (url) =>
    untilRefused(async () => {
      const client = new pg.Client({ connectionString: url })
      client.on("error", () => {})
      await client.connect()
      return () => client.end()
    }),
  disconnect: async (server, url) => {
    await server.run(
      url,
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
  },
  setReadOnly: async (server, url, on) => {
    const name = new URL(url).pathname.slice(1)
    // In another database: this one may take no writes.
    const beside = new URL(url)
    beside.pathname = "/postgres"
    const text = `alter database "${name}" set default_transaction_read_only = ${on ? "on" : "off"}`
    await server.run(beside.href, text)
    await postgres.disconnect(server, url)
  },
  setSerializable: async (server, url) => {
    const name = new URL(url).pathname.slice(1)
    const isolation = "default_transaction_isolation = 'serializable'"
    await server.run(url, `alter database "${name}" set ${isolation}`)
  },
  limits: [
    ["statement_timeout", async (_, url) => `${url}?options=-c%20statement_timeout%3D300`],
    ["lock_timeout", async (_, url) => `${url}?options=-c%20lock_timeout%3D300`],
    ["the store's own deadline", async (_, url) => url]
  ],
  undoings: [
    ["a serialization failure", "40001"],
    ["a deadlock", "40P01"]
  ],
  // A sequence counts on when its transaction is undone.
  undoUpdates: async (server, url, code, times) => {
    await server.run(
      url,
      `create sequence attempts;
create function undo() returns trigger language plpgsql as $$ begin
  if nextval('attempts') <= ${times} then raise exception 'undone' using errcode = '${code}'; end if;
  return new;
end $$;
create trigger undo before update on sessions for each row execute function undo()`
    )
  },
  attempts: async (server, url) => {
    const [row] = await server.run(url, "select last_value as n from attempts")
    return Number(row?.n)
  }
}

const mariadb: Kind = {
  name: "MariaDB",
  isLacking: lacksMariadb || lacksDriver("mysql"),
  start: async () => {
    const server = await startOwnMariadb()
    const anyUrl = await server.aDatabase()
    const limit = () => server.run(anyUrl, `set global max_connections = ${mostConnections}`)
    await limit()
    return {
      ...server,
      start: async () => {
        await server.start()
        await limit()
      },
      // A user without the rights that stand above every limit.
      aDatabase: async () => {
        const url = new URL(await server.aDatabase())
        const name = url.pathname.slice(1)
        const grant = `create user if not exists app@'127.0.0.1'; grant all on ${name}.* to app@'127.0.0.1'`
        await server.run(url.href, grant)
        url.username = "app"
        return url.href
      },
      run: (url, text) => server.run(asRoot(url), text)
    }
  },
  sleep: (seconds) => `select sleep(${seconds})`,
  sleeping:
    "select count(*) as n from information_schema.processlist where info like 'select sleep%'",
  waiting:
    "select variable_value as n from information_schema.global_status where variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'",
  exhaust: (url) =>
    untilRefused(
      () =>
        new Promise((resolve, reject) => {
          const connection = driver().createConnection({ uri: url })
          connection.on("error", reject)
          connection.connect((error) => {
            if (error === null) resolve(async () => connection.destroy())
            else reject(error)
          })
        })
    ),
  disconnect: async (server, url) => {
    const ids = await server.run(
      url,
      "select id from information_schema.processlist where user = 'app' and db = database()"
    )
    // One that has ended meanwhile cannot be ended.
    for (const { id } of ids) await server.run(url, `kill ${id}`).catch(() => {})
  },
  setReadOnly: async (server, url, on) => {
    await server.run(url, `set global read_only = ${on ? 1 : 0}`)
  },
  setSerializable: async (server, url) => {
    await server.run(url, "set global transaction isolation level serializable")
  },
  limits: [
    [
      "innodb_lock_wait_timeout",
      async (server, url) => {
        await server.run(url, "set global innodb_lock_wait_timeout = 1")
        return url
      }
    ]
  ],
  undoings: [["a deadlock", "40001"]],
  undoUpdates: async (server, url, code, times) => {
    await server.run(
      url,
      `create sequence attempts;
create trigger undone before update on sessions for each row begin
  if nextval(attempts) <= ${times} then
    signal sqlstate '${code}' set mysql_errno = 1213, message_text = 'undone';
  end if;
end`
    )
  },
  // The last value that was given, which without a cache is the one before the next.
  attempts: async (server, url) => {
    const [row] = await server.run(url, "select nextval(attempts) - 1 as n")
    return Number(row?.n)
  }
}

const untilRefused = async (connect: () => Promise<() => Promise<void>>) => {
  const held: Array<() => Promise<void>> = []
  try {
    while (held.length <= 2 * mostConnections) held.push(await connect())
  } catch {
    return async () => {
      await Promise.all(held.map((close) => close()))
    }
  }
  throw new Error("The server took more connections than it should.")
}

const asRoot = (url: string): string => {
  const root = new URL(url)
  root.username = "root"
  return root.href
}

export const kinds: ReadonlyArray<Kind> = [postgres, mariadb]

/** An empty database that has the tables. */
export const aMigratedDatabase = async (server: DatabaseServer): Promise<string> => {
  const url = await server.aDatabase()
  await Effect.runPromise(Effect.provide(SqlSessionStore.migrate, clientOf(url)))
  return url
}

/** Runs a test on a store in a database. */
export const withStore = <A, E>(
  url: string,
  test: (store: Service) => Effect.Effect<A, E, SqlClient>
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.provide(Effect.flatMap(SqlSessionStore.make, test), clientOf(url)))
  )
