/** The commands about the table: `migrate` makes it, `make:migration` writes a migration for the app that makes it. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { chooseAt } from "../env/choice.js"
import { load } from "../env/load.js"
import { makeDirectory } from "../file/makeDirectory.js"
import { CliError, inStore, toCliError } from "./CliError.js"
import * as Format from "./format.js"
import { Run } from "./Run.js"
import { chosen } from "./store.js"

/** `migrate`: brings the table up to date, in the environment's database or in the one that `--to` names. */
export const migrate = ({
  json,
  to,
  toTable
}: {
  readonly json: boolean
  readonly to: string | undefined
  readonly toTable: string
}) =>
  Effect.gen(function* () {
    const choice = yield* to === undefined ? chosen : chooseAt("--to", to, toTable)
    if (choice.driver !== "database") {
      const message = `There is nothing to migrate: ${choice.description} need no table.`
      return yield* new CliError({ message })
    }
    const { client, description, table } = choice
    const { migrateWith } = yield* load(
      "SESSION_DRIVER",
      "@effect/sql",
      () => import("../../SqlSessionStore.js")
    )
    const run = yield* Run
    run.stopped = "Stopped while migrating. To bring the table up to date, run the command again."
    const migrated = yield* migrateWith({ table }).pipe(
      Effect.provide(client),
      Effect.mapError(inStore(description))
    )
    yield* Format.show(json, { migrated }, () =>
      migrated.length === 0
        ? `The table ${table} is up to date.`
        : `Ran ${migrated.join(", ")} for the table ${table}.`
    )
  })

/** `make:migration`: for apps that run their own migrations. */
export const makeMigration = ({ directory, json, sql, table }: Asked) =>
  Effect.gen(function* () {
    const scripts = yield* scriptsOf(table, sql)
    const written = yield* write(directory, scripts)
    yield* Format.show(json, { written }, () => `Wrote ${written.join(", ")}.`)
  })

/** What `make:migration` is asked. */
interface Asked {
  readonly json: boolean
  readonly directory: string
  readonly sql: "postgres" | "mysql" | "sqlite" | undefined
  readonly table: string
}

/** A migration as a file of the library would be called, and its text. */
interface Script {
  readonly file: string
  readonly text: string
}

const scriptsOf = (table: string, sql: Asked["sql"]) =>
  Effect.gen(function* () {
    const { dialects, scripts } = yield* load(
      "SESSION_DRIVER",
      "@effect/sql",
      () => import("../sql/migrate.js")
    )
    // TypeScript serves every dialect. Any of them checks the table's name.
    const made = yield* scripts(dialects[sql ?? "postgres"], table)
    return made.map(
      ({ name, text }): Script =>
        sql === undefined
          ? { file: `${name}.ts`, text: typescript(name, table) }
          : { file: `${name}.sql`, text }
    )
  })

const typescript = (name: string, table: string): string =>
  `import * as SqlSessionStore from "effect-session/SqlSessionStore"

export default SqlSessionStore.migrationsWith({ table: ${JSON.stringify(table)} })["${name}"]
`

/** Writes each script with the folder's next number, unless one of its name is there, whatever its number. */
const write = (directory: string, scripts: ReadonlyArray<Script>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    yield* makeDirectory(fs, directory)
    const present = yield* fs.readDirectory(directory)
    let number = Math.max(0, ...present.map((file) => Number(/^(\d+)_/.exec(file)?.[1] ?? 0)))
    const written: Array<string> = []
    for (const { file, text } of scripts) {
      const title = titleOf(file)
      if (present.some((other) => titleOf(other) === title)) continue
      number += 1
      const target = path.join(directory, `${String(number).padStart(4, "0")}_${title}`)
      yield* fs.writeFileString(target, text, { flag: "wx" })
      written.push(target)
    }
    if (written.length === 0) {
      const message = `All migrations are in ${directory} already. Nothing was changed.`
      return yield* new CliError({ message })
    }
    return written
  }).pipe(Effect.mapError(toCliError))

const titleOf = (file: string): string => file.replace(/^\d+_/, "")
