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
  /** What follows the sentence that says how far the work came. */
  readonly advice: string
}

/** Tells how many sessions are done, and of how many if that is known. */
type Tell = (done: number, total?: number) => Effect.Effect<void>

/** Does work, and shows what it tells. */
export const track = <A, E, R>(
  { advice, doing }: Work,
  work: (tell: Tell) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const run = yield* Run
    const [every, clear] = isWatched() ? [200, "\r\u001b[K"] : [10_000, ""]
    let began: number | undefined
    let shown = yield* Clock.currentTimeMillis
    const tell: Tell = (done, total) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        began ??= now
        const of = total === undefined ? "" : ` of ${Format.grouped(total)}`
        run.stopped = `Stopped after ${Format.grouped(done)}${of} sessions. ${advice}`
        if (now - shown < every) return
        shown = now
        const pace = paceOf(done, total, now - began)
        const line = `${doing} ${Format.grouped(done)}${of} sessions${pace}`
        process.stderr.write(clear === "" ? `${line}\n` : `${clear}${line}`)
      })
    return yield* Effect.ensuring(
      work(tell),
      Effect.sync(() => process.stderr.write(clear))
    )
  })

/** How fast it goes and how long it takes, once that can be told. */
const paceOf = (done: number, total: number | undefined, millis: number): string => {
  if (millis < 2000 || done === 0) return ""
  const rate = (done / millis) * 1000
  const seconds = total === undefined ? 0 : (total - done) / rate
  const left = seconds < 1 ? "" : `, ${Format.length(Duration.seconds(seconds))} left`
  return `, ${Format.grouped(Math.round(rate))} a second${left}`
}
