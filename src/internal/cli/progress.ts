/**
 * Long work: how far it is, on standard error, and what is said when a signal stops it. A terminal shows one line that
 * changes; elsewhere a line is written every ten seconds.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Format from "./format.js"
import { Run } from "./Run.js"

/** Tells whether somebody watches: progress goes to a terminal. */
export const isWatched = (): boolean => process.stderr.isTTY === true && process.env.TERM !== "dumb"

/** Work on sessions. */
interface Work {
  /** What is done, such as `Copied`. */
  readonly doing: string
  /** How many sessions there are, if that is known. */
  readonly total?: number | undefined
  /** What follows the sentence that says how far the work came. */
  readonly advice: string
}

/** Does work that tells how many sessions are done. */
export const track = <A, E, R>(
  { advice, doing, total }: Work,
  work: (tell: (done: number) => Effect.Effect<void>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const run = yield* Run
    const began = yield* Clock.currentTimeMillis
    const [every, end] = isWatched() ? [200, "\r\u001b[K"] : [10_000, ""]
    let last = began
    const of = total === undefined ? "" : ` of ${Format.grouped(total)}`
    const tell = (done: number) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        run.stopped = `Stopped after ${Format.grouped(done)}${of} sessions. ${advice}`
        if (now - last < every) return
        last = now
        const rate = (done / (now - began)) * 1000
        const left = total === undefined || done === 0 ? 0 : Math.max(0, total - done) / rate
        const rest = left < 1 ? "" : `, ${Format.length(Duration.seconds(left))} left`
        const text = `${doing} ${Format.grouped(done)}${of} sessions, ${Format.grouped(Math.round(rate))} a second${rest}`
        process.stderr.write(end === "" ? `${text}\n` : `${end}${text}`)
      })
    yield* tell(0)
    const result = yield* work(tell)
    if (last !== began) process.stderr.write(end)
    return result
  })
