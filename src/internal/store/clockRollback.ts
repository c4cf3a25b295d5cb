/**
 * What happens when the clock goes back: a session this process has seen expire stays expired.
 *
 * Time itself is not held at its latest instant. After a clock was ahead for a moment, that would end every session that
 * begins, for as long as it was ahead. Only the sessions the clock had passed by are passed over, unless they were used
 * since it went back.
 */
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import type { Primitives } from "./contract.js"
import { seeing } from "./synchronous.js"

/** How long before it is stored an activity may have been: a request reads the clock, works, and calls the store. */
const requestMillis = 60_000

/** The calls that watch the clock. */
type Watching = Pick<Primitives, "find" | "insert" | "update" | "move">

/** Makes calls of which `find` passes over what had expired at the latest instant that any of them was made at. */
export const withoutLapsed = ({ find, insert, update, move }: Watching): Watching => {
  const watch = new Watch()
  const unlapsed = (found: Option.Option<SessionRecord>) =>
    Option.filter(found, (record) => !watch.hasLapsed(record))
  const look = (nowMillis: number) => {
    watch.look(nowMillis)
    return undefined
  }
  return {
    find: seeing(find, (nowMillis) => (watch.look(nowMillis) ? unlapsed : undefined)),
    insert: seeing(insert, look),
    update: seeing(update, look),
    move: seeing(move, look)
  }
}

/** The instants of one process, as its clock showed them. */
class Watch {
  private nowMillis = Number.NEGATIVE_INFINITY
  private latestMillis = Number.NEGATIVE_INFINITY
  private wentBackToMillis = Number.POSITIVE_INFINITY

  /** Takes what the clock shows; true while it is behind its latest instant. */
  look(nowMillis: number): boolean {
    this.nowMillis = nowMillis
    if (this.nowMillis >= this.latestMillis) {
      this.latestMillis = this.nowMillis
      this.wentBackToMillis = Number.POSITIVE_INFINITY
      return false
    }
    this.wentBackToMillis = Math.min(this.wentBackToMillis, this.nowMillis)
    return true
  }

  hasLapsed({ expiresAtMillis, lastActivityMillis }: SessionRecord): boolean {
    if (expiresAtMillis > this.latestMillis) return false
    const isUsedSince =
      lastActivityMillis >= this.wentBackToMillis - requestMillis &&
      lastActivityMillis <= this.nowMillis
    return !isUsedSince
  }
}
