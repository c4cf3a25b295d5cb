/** Asks a person before something is lost. */
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import { CliError } from "./CliError.js"

const nothingChanged = "Nothing was changed."

/** Asks, and fails unless the answer is yes. Where nobody can be asked, it fails with `instead`. */
export const confirm = (question: string, instead: string): Effect.Effect<void, CliError> =>
  process.stdin.isTTY === true
    ? Effect.filterOrFail(
        ask(`${question} [y/N] `),
        (answer) => /^\s*y(?:es)?\s*$/i.test(answer),
        () => new CliError({ message: nothingChanged })
      ).pipe(Effect.asVoid)
    : new CliError({ message: `${instead} ${nothingChanged}` })

/** Asks on standard error: what is on standard output is the result. */
const ask = (question: string): Effect.Effect<string> =>
  Effect.async((resume) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    // The terminal gives Ctrl-C to the reader of lines instead of the process.
    lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"))
    lines.on("close", () => resume(Effect.succeed("")))
    lines.question(question, (answer) => {
      resume(Effect.succeed(answer))
      lines.close()
    })
    return Effect.sync(() => {
      process.stderr.write("\n")
      lines.close()
    })
  })
