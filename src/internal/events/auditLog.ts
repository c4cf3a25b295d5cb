/** The audit log: takes events where they are published, keeps them until they are written, counts what found no room. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { auditLine, droppedLine } from "./auditLine.js"
import type { SessionEvent } from "./event.js"

/** Registers a listener that is called for each event at once; gives the way to stop it. */
export type Listen = (listener: (event: SessionEvent) => void) => () => void

const linesAtOnce = 1000

const dropped = Metric.counter("effect_session_audit_dropped", {
  description: "Events the audit log had no room for, or could not write before it was closed",
  incremental: true
})

/** Writes every event from now on, until the scope is closed. */
export const audit = <E, R>(
  listen: Listen,
  write: (lines: ReadonlyArray<string>) => Effect.Effect<void, E, R>,
  capacity: number
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const waiting: Array<SessionEvent> = []
    let missed = 0
    const wake = Effect.unsafeMakeLatch(false)
    const stop = listen((event) => {
      if (waiting.length < capacity) waiting.push(event)
      else missed += 1
      wake.unsafeOpen()
    })
    const turn = Effect.unsafeMakeSemaphore(1)

    // What was written leaves the list only then, so that a failure repeats it.
    const writeSome = Effect.flatMap(Clock.currentTimeMillis, (atMillis) => {
      const [events, count] = [waiting.slice(0, linesAtOnce), missed]
      const report = count === 0 ? [] : [droppedLine(count, atMillis)]
      return Effect.zipRight(
        write([...events.map(auditLine), ...report]),
        Effect.suspend(() => {
          waiting.splice(0, events.length)
          missed -= count
          return count === 0 ? Effect.void : Metric.incrementBy(dropped, count)
        })
      )
    })
    const isDone = () => waiting.length === 0 && missed === 0
    const writeAll = turn.withPermits(1)(
      Effect.whileLoop({ while: () => !isDone(), body: () => writeSome, step: () => {} })
    )

    const retried = Effect.catchAllCause(writeAll, (cause) =>
      Effect.logWarning("The audit log of sessions could not be written", cause).pipe(
        Effect.zipRight(Effect.sleep("1 second")),
        Effect.zipRight(Effect.sync(() => wake.unsafeOpen()))
      )
    )
    yield* wake.await.pipe(
      Effect.zipRight(Effect.sync(() => wake.unsafeClose())),
      Effect.zipRight(retried),
      Effect.forever,
      Effect.interruptible,
      Effect.forkScoped
    )

    // Registered after the fiber, so that it runs before the fiber is stopped.
    yield* Effect.addFinalizer(() =>
      Effect.sync(stop).pipe(
        Effect.zipRight(Effect.interruptible(writeAll)),
        Effect.timeout("5 seconds"),
        Effect.catchAllCause((cause) => {
          const count = waiting.length + missed
          return Effect.zipRight(
            Metric.incrementBy(dropped, count),
            Effect.logError(`The audit log of sessions lost ${count} events at its end`, cause)
          )
        })
      )
    )
  })
