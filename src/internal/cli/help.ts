/** What `--help` prints: of a command, or of all. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { catalogue } from "./commands.js"
import { painted, Screen } from "./format.js"
import { described, envFile, json } from "./options.js"

/** Prints the help of the command that these words name, else of all commands. */
export const help = (words: ReadonlyArray<string>, version: string): Effect.Effect<void> =>
  Effect.flatMap(Screen, (screen) => {
    const name = words.find((word) => catalogue.has(word))
    const command = catalogue.get(name ?? "")
    const width = Math.min(screen.width ?? 100, 100)
    const section = (title: string, rows: ReadonlyArray<readonly [string, string]>) =>
      `${painted(screen, "bold", title)}\n${list(rows, width)}`
    const rows = (command?.options ?? described({ json, ...envFile })).map(
      ({ description, usage }) => [usage, description] as const
    )
    const argument = rows.some(([usage]) => usage.startsWith("<")) ? " [<id>]" : ""
    const commands = [...catalogue].map(([name, one]) => [name, one.description] as const)
    return Console.log(
      [
        `Usage: effect-session ${name ?? "<command>"}${argument} [options]`,
        ...(command === undefined
          ? [
              `Manages the sessions of an app. Version ${version}.`,
              section("Commands", commands),
              section("Options of every command", [...rows, ...ofTheParser])
            ]
          : [wrapped(command.description, width).join("\n"), section("Options", rows)]),
        section("Variables, of the process or else of .env", variables)
      ].join("\n\n")
    )
  })

const ofTheParser = [
  ["-h, --help", "Print the help of a command."],
  ["--version", "Print the version."],
  ["--completions <sh | bash | fish | zsh>", "Print a completion script for a shell."],
  ["--wizard", "Ask for the options of a command."],
  ["--log-level <level>", "Log less or more: all, debug, info, warning, error, none."]
] as const

const variables = [
  ["SESSION_DRIVER", "Where the sessions are: file, database or redis. Default: file."],
  ["SESSION_FILES", "The directory of file. Default: storage/sessions."],
  ["SESSION_CONNECTION", "The URL of the database, postgres:, mysql:, mariadb: or sqlite:."],
  ["DATABASE_URL", "The same, where SESSION_CONNECTION is not set."],
  ["SESSION_TABLE", "The table in the database. Default: sessions."],
  ["REDIS_URL", "The URL of Redis, redis: or rediss:."],
  ["REDIS_HOST", "Its host, where REDIS_URL is not set. With REDIS_PORT and REDIS_PASSWORD."],
  ["SESSION_KEEP_ENDED", "How long an ended session is kept. Default: 0."],
  ["NO_COLOR", "Print no colours. FORCE_COLOR prints them always."]
] as const

/** Terms with what they mean beside them, in lines of this width. */
const list = (rows: ReadonlyArray<readonly [string, string]>, width: number): string => {
  const left = Math.min(26, Math.max(...rows.map(([term]) => term.length)))
  return rows
    .map(([term, meaning]) => {
      const [first = "", ...rest] = wrapped(meaning, Math.max(30, width - left - 4))
      const indent = `\n${" ".repeat(left + 4)}`
      const head = term.length > left ? `${term}${indent}` : `${term.padEnd(left)}  `
      return `  ${head}${[first, ...rest].join(indent)}`
    })
    .join("\n")
}

const wrapped = (text: string, width: number): ReadonlyArray<string> =>
  text.match(new RegExp(`.{1,${width}}(?:\\s+|$)|\\S+`, "g"))?.map((line) => line.trim()) ?? []
