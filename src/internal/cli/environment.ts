/**
 * Reads `.env` as dotenv tools do: what it sets counts for this process, unless the process has that variable already.
 *
 * Effect's `PlatformConfigProvider` has a reader too, but it expands every `$`, also inside single quotes, and passwords
 * hold such signs. Node's `parseEnv` reads broken files in another way with each version.
 */
import { readFileSync, statSync } from "node:fs"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { CliError } from "./CliError.js"
import { Run, type Variables } from "./Run.js"

/** Adds the file's variables to those of the process, and remembers which they are. */
export const readEnvFile = (asked: {
  readonly file: string | undefined
  readonly none: boolean
}): Effect.Effect<void, CliError> =>
  Effect.flatMap(Run, (run) =>
    Effect.try({
      try: () => {
        const path = asked.file ?? ".env"
        // A directory of this name is something else, such as an environment of Python.
        const isThere = statSync(path, { throwIfNoEntry: false })?.isDirectory() === false
        if (asked.none || (asked.file === undefined && !isThere)) return
        const read = parseEnv(readFileSync(path, "utf8"))
        // Node 20 reads a file that --env-file names by itself, before this does.
        const names = Object.keys(read).filter(
          (name) => run.variables[name] === undefined || run.variables[name] === read[name]
        )
        for (const name of names) run.variables[name] = read[name]
        run.envFile = { path, names }
      },
      catch: (cause) => {
        const code = cause instanceof Error && "code" in cause ? cause.code : cause
        const message = `The file ${asked.file ?? ".env"} cannot be read (${code}). Name another one with --env-file, or none with --no-env-file.`
        return new CliError({ message })
      }
    })
  )

/** Reads settings from variables, as Effect reads them from the process. */
export const providerOf = (variables: Variables): ConfigProvider.ConfigProvider =>
  ConfigProvider.fromMap(
    new Map(
      Object.entries(variables).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]]
      )
    ),
    { pathDelim: "_", seqDelim: "," }
  )

/**
 * One assignment: a name, then a value in one of three kinds of quotes, which may go over several lines, or a bare one up
 * to a `#` or the end of the line.
 */
const assignment =
  /^\s*(?:export\s+)?([\w.-]+)(?:[^\S\n]*=|:[^\S\n])[^\S\n]*(?:"((?:\\[\s\S]|[^"\\])*)"|'((?:\\'|[^'])*)'|`((?:\\`|[^`])*)`|([^#\n]*))[^\S\n]*(?:#.*)?$/gm

/** Reads the text of a `.env` file. The last of two lines with one name counts. */
export const parseEnv = (text: string): Record<string, string> => {
  const found: Record<string, string> = Object.create(null)
  for (const match of text.replace(/\r\n?/g, "\n").matchAll(assignment)) {
    const [, name = "", double, single, backtick, bare = ""] = match
    found[name] =
      double?.replace(/\\n/g, "\n").replace(/\\r/g, "\r") ?? single ?? backtick ?? bare.trim()
  }
  return found
}
