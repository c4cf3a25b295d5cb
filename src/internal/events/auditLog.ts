/**
 * The audit log: takes each event when it is published and keeps it until it is written. It counts the events that it has
 * no room for.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { auditLine, droppedLine } from "./auditLine.js"
import type { SessionEvent } from "./event.js"
import { type Hub, listen } from "./hub.js"

/** Writes lines somewhere, whole or not at all. */
export type Write<E, R> = (lines: ReadonlyArray<string>) => Effect.Effect<void, E, R>

/** What is to be written: the oldest event first, then the number of those dropped since the last report. */
interface Backlog {
  readonly events: Array<SessionEvent>
  dropped: number
}

const linesAtOnce = 1000

const dropped = Metric.counter("effect_session_audit_dropped", {
  description: "Events the audit log had no room for, or could not write before it was closed",
  incremental: true
})

/** Writes every event of a hub from now on, until the scope is closed. At most `capacity` events wait. */
export const writeAuditLog = <E, R>(
  hub: Hub,
  write: Write<E, R>,
  capacity: number
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const backlog: Backlog = { events: [], dropped: 0 }
    const wake = Effect.unsafeMakeLatch(false)
    const stop = listen(hub, (event) => {
      if (backlog.events.length < capacity) backlog.events.push(event)
      else backlog.dropped += 1
      wake.unsafeOpen()
    })
    const turn = Effect.unsafeMakeSemaphore(1)
    const writeAll = turn.withPermits(1)(
      Effect.whileLoop({
        while: () => sizeOf(backlog) > 0,
        body: () => writeSome(backlog, write),
        step: () => {}
      })
    )

    yield* wake.await.pipe(
      Effect.zipRight(Effect.sync(() => wake.unsafeClose())),
      Effect.zipRight(orLater(writeAll)),
      Effect.forever,
      Effect.interruptible,
      Effect.forkScoped
    )
    // Registered after the fiber, so that it runs before the fiber is stopped.
    yield* Effect.addFinalizer(() => Effect.zipRight(Effect.sync(stop), finish(backlog, writeAll)))
  })

const sizeOf = ({ dropped, events }: Backlog): number => events.length + dropped

/** Writes some of the backlog. What was written leaves it only afterwards, so that a failed write is repeated. */
const writeSome = <E, R>(backlog: Backlog, write: Write<E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (atMillis) => {
    const events = backlog.events.slice(0, linesAtOnce)
    const count = backlog.dropped
    const report = count === 0 ? [] : [droppedLine(count, atMillis)]
    return Effect.zipRight(
      write([...events.map(auditLine), ...report]),
      Effect.suspend(() => {
        backlog.events.splice(0, events.length)
        backlog.dropped -= count
        return count === 0 ? Effect.void : Metric.incrementBy(dropped, count)
      })
    )
  })

/** Repeats a write that failed, in whatever way, a second later. */
const orLater = <E, R>(writeAll: Effect.Effect<void, E, R>) =>
  Effect.sandbox(writeAll).pipe(
    Effect.tapError((cause) =>
      Effect.logWarning("The audit log of sessions could not be written", cause)
    ),
    Effect.retry(Schedule.spaced("1 second"))
  )

/** Writes what is left, within five seconds. */
const finish = <E, R>(backlog: Backlog, writeAll: Effect.Effect<void, E, R>) =>
  Effect.interruptible(writeAll).pipe(
    Effect.timeout("5 seconds"),
    Effect.catchAllCause((cause) =>
      Effect.zipRight(
        Metric.incrementBy(dropped, sizeOf(backlog)),
        Effect.logError(
          `The audit log of sessions was closed before ${sizeOf(backlog)} events were written`,
          cause
        )
      )
    )
  )
