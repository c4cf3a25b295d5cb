/** The command `effect-session` with its subcommands. A failure prints one sentence and gives exit code 1. */
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SessionConfigError } from "../errors/errors.js"
import { audit } from "./audit.js"
import { CliError, type Failure } from "./CliError.js"
import { copy } from "./copy.js"
import { doctor } from "./doctor.js"
import { active, list, stats } from "./list.js"
import { cleanup, clear, revoke } from "./revoke.js"
import { makeMigration, migrate } from "./schema.js"

const root = Command.make("effect-session").pipe(
  Command.withDescription(
    "Manages the sessions of an app, in the store that the environment names: SESSION_DRIVER (file or database), SESSION_FILES, SESSION_CONNECTION or DATABASE_URL, SESSION_TABLE."
  ),
  Command.withSubcommands([
    migrate,
    makeMigration,
    cleanup,
    clear,
    list,
    active,
    stats,
    audit,
    revoke,
    copy,
    doctor
  ])
)

/** Runs a command line (`process.argv`) and succeeds with the exit code; prints why when it is not 0. */
export const run = (argv: ReadonlyArray<string>, version: string) =>
  Command.run(root, { name: "effect-session", version })(argv).pipe(
    Effect.as(0),
    // The library dies of a wrong argument, and here a person gave it as an option of that name.
    Effect.catchSomeDefect((defect) =>
      defect instanceof SessionConfigError
        ? Option.some(new CliError({ message: `--${defect.field} ${defect.reason}` }))
        : Option.none()
    ),
    Effect.catchAll((failure: Failure | ValidationError.ValidationError) =>
      // The parser has printed its own errors.
      ValidationError.isValidationError(failure)
        ? Effect.succeed(1)
        : Effect.as(Console.error(failure.message), 1)
    )
  )
