/**
 * What happens when the clock goes back: a session that this process has seen expire stays expired.
 *
 * The time itself is not held at its latest instant. If the clock was ahead for a moment, that would end every new
 * session for as long as it was ahead. So `find` passes over only those sessions whose expiry the clock had reached, and
 * finds them again if they were used after the clock went back.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import type { Primitives } from "./contract.js"

/** How long before it is stored an activity may have been: a request reads the clock, works, and calls the store. */
const requestMillis = 60_000

/** The calls that read the clock. */
type Calls = Pick<Primitives, "find" | "insert" | "update" | "move">

/** Wraps the calls so that `find` passes over what had expired at the latest instant that any of them saw. */
export const withClockRollback = ({ find, insert, update, move }: Calls): Calls => {
  const watch = new Watch()
  const watched = <A, E>(call: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.clockWith((clock) => {
      watch.see(clock.unsafeCurrentTimeMillis())
      return call()
    })
  return {
    find: (id) =>
      watched(() =>
        watch.isBack
          ? Effect.map(
              find(id),
              Option.filter((record) => watch.isLive(record))
            )
          : find(id)
      ),
    insert: (record) => watched(() => insert(record)),
    update: (record, expectedVersion) => watched(() => update(record, expectedVersion)),
    move: (fromId, record, expectedVersion) => watched(() => move(fromId, record, expectedVersion))
  }
}

/** The instants that the clock of one process has shown. */
class Watch {
  private nowMillis = Number.NEGATIVE_INFINITY
  private latestMillis = Number.NEGATIVE_INFINITY
  /** The earliest instant since the clock went back; infinite unless it is back. */
  private wentBackToMillis = Number.POSITIVE_INFINITY

  see(nowMillis: number): void {
    this.nowMillis = nowMillis
    this.latestMillis = Math.max(this.latestMillis, nowMillis)
    this.wentBackToMillis = this.isBack
      ? Math.min(this.wentBackToMillis, nowMillis)
      : Number.POSITIVE_INFINITY
  }

  /** True while the clock is behind its latest instant. */
  get isBack(): boolean {
    return this.nowMillis < this.latestMillis
  }

  /** True unless the session had expired at the latest instant and was not used since the clock went back. */
  isLive({ expiresAtMillis, lastActivityMillis }: SessionRecord): boolean {
    const wasUsed =
      lastActivityMillis >= this.wentBackToMillis - requestMillis &&
      lastActivityMillis <= this.nowMillis
    return expiresAtMillis > this.latestMillis || wasUsed
  }
}
