/** The files that a run over the directory skips, because the system does not let it read or change them (EIO, EACCES). */
import * as Effect from "effect/Effect"
import type { Failure } from "./failure.js"
import { concernsAllFiles, Problem, reasonOf } from "./failure.js"

/** How many files a message names. */
const mostNamed = 5

/** The skipped files of one run. */
export class SkippedFiles {
  private first: Failure | undefined
  // A message names its file, so a file that is read twice counts once.
  private readonly messages = new Set<string>()

  /** Runs a step about one file. If that fails because of the file, notes it and gives `undefined`. */
  skipping<A>(step: Effect.Effect<A, Failure>): Effect.Effect<A | undefined, Failure> {
    return Effect.catchAll(step, (failure) => {
      if (concernsAllFiles(failure)) return Effect.fail(failure)
      this.first ??= failure
      this.messages.add(failure.message)
      return Effect.succeed(undefined)
    })
  }

  /** Forgets all files, because the run begins again. */
  clear(): void {
    this.first = undefined
    this.messages.clear()
  }

  /** Logs one warning about all skipped files. */
  readonly warn: Effect.Effect<void> = Effect.suspend(() =>
    this.first === undefined ? Effect.void : Effect.logWarning(this.message)
  )

  /** Fails when a file was skipped. */
  readonly failure: Effect.Effect<void, Problem> = Effect.suspend(() => {
    const { first } = this
    return first === undefined
      ? Effect.void
      : Effect.fail(new Problem(reasonOf(first), this.message, { cause: first }))
  })

  private get message(): string {
    const all = [...this.messages]
    const named = all.slice(0, mostNamed).join(" ")
    const more = all.length > mostNamed ? ` And ${all.length - mostNamed} more.` : ""
    return `Files of the session store that could not be read or changed were skipped: ${all.length}. ${named}${more}`
  }
}
