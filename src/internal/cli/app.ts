/** Runs a command line. A failure prints one sentence and gives exit code 1. */

import { stripVTControlCharacters } from "node:util"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { CliError } from "./CliError.js"
import { root } from "./commands.js"
import { Screen } from "./format.js"
import { help } from "./help.js"
import { takesValue } from "./options.js"
import * as Run from "./Run.js"

/** Runs a command line (`process.argv`) and succeeds with the exit code; prints why when it is not 0. */
export const run = (argv: ReadonlyArray<string>, version: string, variables: Run.Variables) =>
  Effect.suspend(() => {
    const state = Run.begin(variables)
    const words = argv.slice(2)
    const isHelp = words.length === 0 || words.includes("--help") || words.includes("-h")
    const program = Effect.zipRight(complete(words), parsed(argv, version))
    return (isHelp ? help(words, version) : program).pipe(
      Effect.as(0),
      Effect.catchAllDefect(unexpected),
      Effect.catchAll((failure) =>
        // The parser has printed its own errors.
        ValidationError.isValidationError(failure)
          ? Effect.succeed(1)
          : Effect.as(Console.error(failure.message + sourceOf(state.envFile)), 1)
      ),
      Effect.onInterrupt(() => Effect.suspend(() => Console.error(state.stopped))),
      Effect.provideService(Run.Run, state),
      Effect.provide(logsOnStandardError)
    )
  })

/** What the library warns of, such as a session that cannot be read. Standard output is for the result alone. */
const logsOnStandardError = Logger.replace(
  Logger.defaultLogger,
  Logger.withConsoleError(Logger.make(({ message }) => Arr.ensure(message).join(" ")))
)

/** The library dies of a wrong argument, and here a person gave it as an option of that name. */
const unexpected = (defect: unknown): Effect.Effect<never, CliError> =>
  Effect.flatMap(
    Effect.promise(() => import("../errors/errors.js")),
    ({ SessionConfigError }) => {
      if (defect instanceof SessionConfigError) {
        return new CliError({ message: `--${defect.field} ${defect.reason}` })
      }
      const what = defect instanceof Error ? `${defect.name}: ${defect.message}` : `${defect}`
      const message = `The command failed unexpectedly (${what}). Please report it.`
      return new CliError({ message })
    }
  )

const sourceOf = (file: Run.EnvFile | undefined): string =>
  file === undefined || file.names.length === 0 ? "" : ` (Variables were read from ${file.path}.)`

/** Refuses an option without its value, which the parser takes for something else. */
const complete = (argv: ReadonlyArray<string>): Effect.Effect<void, CliError> => {
  const option = argv.find((word, at) => {
    const next = argv[at + 1]
    return takesValue(word)
      ? next === undefined || next.startsWith("-")
      : word.endsWith("=") && takesValue(word.slice(0, -1))
  })
  if (option === undefined) return Effect.void
  const name = option.replace(/=$/, "")
  const message = `${name} needs a value. One that begins with a dash is written ${name}=-1.`
  return new CliError({ message })
}

// ---------------------------------------------------------------------------------------------------------------------
// the parser
// ---------------------------------------------------------------------------------------------------------------------

/** Parses and runs. The parser's own texts have colours, which not every screen shows. */
const parsed = (argv: ReadonlyArray<string>, version: string) =>
  Effect.consoleWith((console) =>
    Effect.flatMap(Screen, ({ hasColours }) => {
      const plain = (print: (text: string) => Effect.Effect<void>) => (text: string) =>
        print((hasColours ? text : stripVTControlCharacters(text)).trim())
      const app = Command.transformHandler(root, (handler) => Effect.withConsole(handler, console))
      return Command.run(app, { name: "effect-session", version })(argv).pipe(
        Effect.withConsole({ ...console, log: plain(console.log), error: plain(console.error) })
      )
    })
  )
