/** The commands about the table: `migrate` makes it, `make:migration` writes the app a migration that does. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { load } from "../env/load.js"
import { makeDirectory } from "../file/makeDirectory.js"
import { json } from "./options.js"
import * as Present from "./present.js"
import { Problem } from "./problem.js"
import { chosenDatabase } from "./store.js"

/** `migrate`: brings the tables of the environment's database up to date. */
export const migrate = Command.make("migrate", { json }, ({ json }) =>
  Effect.gen(function* () {
    const { client, table } = yield* chosenDatabase
    const { migrateWith } = yield* load(
      "SESSION_DRIVER",
      "@effect/sql",
      () => import("../../SqlSessionStore.js")
    )
    const migrated = yield* Effect.provide(migrateWith({ table }), client)
    yield* Present.show(json, { migrated }, () =>
      migrated.length === 0
        ? `The table ${table} is up to date.`
        : `Ran ${migrated.join(", ")} for the table ${table}.`
    )
  })
).pipe(Command.withDescription("Makes the table of the sessions, or brings it up to date."))

/** `make:migration`: for apps that run their own migrations. */
export const makeMigration = Command.make(
  "make:migration",
  {
    json,
    directory: Options.text("directory").pipe(
      Options.withDefault("migrations"),
      Options.withDescription("Where the app keeps its migrations; made when it is missing.")
    ),
    table: Options.text("table").pipe(
      Options.withDefault("sessions"),
      Options.withDescription("The name of the table.")
    ),
    sql: Options.optional(
      Options.choice("sql", ["postgres", "mysql", "sqlite"]).pipe(
        Options.withDescription("Write SQL for this database instead of TypeScript.")
      )
    )
  },
  ({ directory, json, sql, table }) =>
    Effect.gen(function* () {
      const scripts = yield* scriptsOf(table, Option.getOrUndefined(sql))
      const written = yield* write(directory, scripts)
      yield* Present.show(json, { written }, () => `Wrote ${written.join(", ")}.`)
    })
).pipe(
  Command.withDescription("Writes a migration into the app's own folder, numbered after the last.")
)

interface Script {
  readonly name: string
  readonly extension: "ts" | "sql"
  readonly text: string
}

const scriptsOf = (table: string, sql: "postgres" | "mysql" | "sqlite" | undefined) =>
  Effect.gen(function* () {
    const { dialects, scripts } = yield* load(
      "SESSION_DRIVER",
      "@effect/sql",
      () => import("../sql/script.js")
    )
    // TypeScript serves every dialect; the table's name is checked by any of them.
    const made = yield* scripts(dialects[sql ?? "postgres"], table)
    return made.map(
      ({ name, text }): Script =>
        sql === undefined
          ? { name, extension: "ts", text: typescript(name, table) }
          : { name, extension: "sql", text }
    )
  })

const typescript = (name: string, table: string): string =>
  `import * as SqlSessionStore from "effect-session/SqlSessionStore"

export default SqlSessionStore.migrationsWith({ table: ${JSON.stringify(table)} })["${name}"]
`

/** Writes each script as the next of the folder; refuses when one of its name is there, whatever its number. */
const write = (directory: string, scripts: ReadonlyArray<Script>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    yield* makeDirectory(fs, directory)
    const present = yield* fs.readDirectory(directory)
    let number = Math.max(0, ...present.map((file) => Number(/^(\d+)_/.exec(file)?.[1] ?? 0)))
    const written: Array<string> = []
    for (const { extension, name, text } of scripts) {
      const title = name.replace(/^\d+_/, "")
      const same = present.find((file) => file.replace(/^\d+_/, "") === `${title}.${extension}`)
      if (same !== undefined) {
        const there = path.join(directory, same)
        return yield* new Problem({ message: `There is ${there} already. Nothing was changed.` })
      }
      number += 1
      const file = path.join(directory, `${String(number).padStart(4, "0")}_${title}.${extension}`)
      yield* fs.writeFileString(file, text, { flag: "wx" })
      written.push(file)
    }
    return written
  }).pipe(
    Effect.catchTags({
      SystemError: ({ message }) => new Problem({ message }),
      BadArgument: ({ message }) => new Problem({ message })
    })
  )
