/**
 * What a run over the whole directory passes over: one file that the system does not let it read or change (EIO, EACCES)
 * is no reason to leave all others alone.
 */
import * as Effect from "effect/Effect"
import type { Failure } from "./failure.js"
import { isOfAll, Problem, reasonOf } from "./failure.js"

/** How many of them a message names. */
const mostNamed = 5

/** The failures of one run. */
export class Skipped {
  private first: Failure | undefined
  // What they say names the file: one that is met twice, by a pointer too, counts once.
  private readonly said = new Set<string>()

  /** Runs a step about one file; when it fails, and not for the whole store, that is noted and gives `undefined`. */
  passing<A>(step: Effect.Effect<A, Failure>): Effect.Effect<A | undefined, Failure> {
    return Effect.catchAll(step, (failure) => {
      if (isOfAll(failure)) return Effect.fail(failure)
      this.first ??= failure
      this.said.add(failure.message)
      return Effect.succeed(undefined)
    })
  }

  /** Forgets what was noted: the run goes through everything once more. */
  clear(): void {
    this.first = undefined
    this.said.clear()
  }

  /** Warns once of everything that was passed over. */
  readonly warn: Effect.Effect<void> = Effect.suspend(() =>
    this.first === undefined ? Effect.void : Effect.logWarning(this.message)
  )

  /** Fails when anything was passed over. */
  readonly failure: Effect.Effect<void, Problem> = Effect.suspend(() => {
    const { first } = this
    return first === undefined
      ? Effect.void
      : Effect.fail(new Problem(reasonOf(first), this.message, { cause: first }))
  })

  private get message(): string {
    const all = [...this.said]
    const named = all.slice(0, mostNamed).join(" ")
    const more = all.length > mostNamed ? ` And ${all.length - mostNamed} more.` : ""
    return `Files of the session store that could not be read or changed were skipped: ${all.length}. ${named}${more}`
  }
}
