import * as Console from "effect/Console"
import type { NonShowHelpErrors as ParserError } from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"

/** Parses and runs. The parser's own texts have colours, which not every screen shows. */
const parsed = (argv: ReadonlyArray<string>, version: string) =>
  Effect.flatMap(Screen, ({ hasColours }) =>
    Command.runWith(root, { version })(argv.slice(2)).pipe(
      Effect.provideService(CliOutput.Presenter, presenter),
      Effect.provide(CliOutput.layer(CliOutput.defaultFormatter({ colors: hasColours })))
    )
  )

/** What is wrong with a command line is said in one sentence; Effect would print the help before it. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(event.errors.map(sentenceOf).join("\n"))
      : CliOutput.defaultPresenter.present(event)
}

const sentenceOf = (error: ParserError): string =>
  // A sentence of our own names the option itself; suggestions would follow in lines of their own.
  error._tag === "InvalidValue" && error.expected.startsWith("--")
    ? error.expected
    : (error.message.split("\n", 1)[0] ?? "")
