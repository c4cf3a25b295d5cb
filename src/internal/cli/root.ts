/** The command `effect-session` with its subcommands, and how a failure ends it: one sentence, exit code 1. */
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import { SessionConfigError } from "../errors/errors.js"
import { audit } from "./audit.js"
import { copy } from "./copy.js"
import { doctor } from "./doctor.js"
import { cleanup, clear, revoke } from "./end.js"
import { active, list, stats } from "./look.js"
import { type Failure, sentenceOf } from "./problem.js"
import { makeMigration, migrate } from "./schema.js"
import { where } from "./store.js"

const root = Command.make("effect-session").pipe(
  Command.withDescription(
    "Looks after the sessions of an app. The store is the one that the environment names: SESSION_DRIVER and its siblings."
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

const parse = (version: string) => Command.run(root, { name: "effect-session", version })

/** Runs a command line (`process.argv`) and succeeds with the exit code; prints why where it is not 0. */
export const run = (argv: ReadonlyArray<string>, version: string) =>
  parse(version)(argv).pipe(
    Effect.as(0),
    // The library dies of an argument it cannot take; here a person gave it.
    Effect.catchSomeDefect((defect) =>
      defect instanceof SessionConfigError ? Option.some(Effect.fail(defect)) : Option.none()
    ),
    Effect.catchAll((failure: Failure | ValidationError.ValidationError) =>
      // The parser has said already what it did not understand.
      ValidationError.isValidationError(failure)
        ? Effect.succeed(1)
        : Effect.as(
            Effect.flatMap(FiberRef.get(where), (store) =>
              Console.error(sentenceOf(failure, store))
            ),
            1
          )
    )
  )
