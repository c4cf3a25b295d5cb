/**
 * Deadlines of calls that all take equally long, by one timer for all of them: a timer for each call would cost more than the
 * call. By the system's clock, so a deadline may be late by a part of a tick.
 */

/** A call that waits for its answer. */
export interface Pending {
  /** True once its time is over: nobody waits for the answer any more. */
  isOver: boolean
  readonly endsAtMillis: number
  readonly giveUp: () => void
}

/** The parts that a deadline is divided into: how often is looked. */
const ticks = 20

/** The calls of one duration. */
export class Deadlines {
  private readonly pending = new Set<Pending>()
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly millis: number) {}

  /** Notes a call; `giveUp` is called when its time is over. */
  begin(giveUp: () => void): Pending {
    const call = { isOver: false, endsAtMillis: performance.now() + this.millis, giveUp }
    this.pending.add(call)
    this.timer ??= setInterval(() => this.look(), this.millis / ticks)
    return call
  }

  /** Notes that a call has its answer. */
  end(call: Pending): void {
    this.pending.delete(call)
  }

  private look(): void {
    const now = performance.now()
    // In the order of their beginning, so also of their end.
    for (const call of this.pending) {
      if (call.endsAtMillis > now) break
      call.isOver = true
      this.pending.delete(call)
      call.giveUp()
    }
    if (this.pending.size > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }
}
