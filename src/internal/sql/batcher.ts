/**
 * Brings calls of concurrent requests together, so that they share one statement. Written by hand: Effect's own requests are
 * only batched within one fiber, and cost more than a statement does.
 *
 * A call that finds nothing in flight runs at once, alone, in its caller's fiber: one request at a time pays nothing.
 * Calls that come while something is in flight wait for the end of the event loop's turn, or, when as many statements are
 * in flight as may be, for one of them to end. Then all that wait run as one batch, in a fiber that belongs to no caller: outside
 * their transactions, spans and interruption.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Tracer from "effect/Tracer"

/** What is run together, and how. */
export interface Coalescing<Call, Answer, E> {
  /** Runs one call. */
  readonly single: (call: Call) => Effect.Effect<Answer, E>
  /**
   * Runs several calls, which come sorted by key, and answers in their order. `undefined` says that this call got no
   * answer and had no effect: it is then run by itself.
   */
  readonly batch: (
    calls: ReadonlyArray<Call>
  ) => Effect.Effect<ReadonlyArray<Answer | undefined>, E>
  /** What batches are sorted by, so that two of them never lock the same rows in opposite order. */
  readonly key: (call: Call) => string
  /** Whether calls with the same key may be in one batch. Reads may; of two writes the second waits for the next batch. */
  readonly sameKey: "together" | "apart"
  /** How many statements are in flight before calls wait: with two, one goes out while the other is on its way back. */
  readonly inFlight: 1 | 2
  /**
   * Tells of a batch's failure whether each call is then run by itself, so that one bad row does not fail its
   * neighbours. Only for failures after which a second run of a call that had taken effect does no harm.
   */
  readonly retriesSingly: (error: E) => boolean
}

/** How many calls a batch takes. More saves next to nothing and makes the others wait. */
const maxBatch = 64

/** After so long a statement (one that waits for a locked row, say) does not hold up the calls behind it any more. */
const patienceMillis = 100

interface Waiter<Call, Answer, E> {
  readonly call: Call
  readonly resume: (exit: Exit.Exit<Answer, E>) => void
  dropped: boolean
}

interface Slot {
  readonly sinceMillis: number
}

/** Makes the function that runs a call, by itself or in a batch with others. */
export const make = <Call, Answer, E>(
  coalescing: Coalescing<Call, Answer, E>
): Effect.Effect<(call: Call) => Effect.Effect<Answer, E>> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const coalescer = new Coalescer(coalescing, ownRuntime(runtime))
    return (call) => coalescer.run(call)
  })

/** The surroundings of whoever made the coalescer, without its span. */
const ownRuntime = (runtime: Runtime.Runtime<never>): Runtime.Runtime<never> =>
  Runtime.make({
    // A context that needs nothing stays one that needs nothing.
    context: Context.omit(Tracer.ParentSpan)(runtime.context) as Context.Context<never>,
    fiberRefs: runtime.fiberRefs,
    runtimeFlags: Runtime.defaultRuntimeFlags
  })

class Coalescer<Call, Answer, E> {
  private readonly slots = new Set<Slot>()
  private waiting: Array<Waiter<Call, Answer, E>> = []
  private turn: NodeJS.Immediate | undefined
  private patience: NodeJS.Timeout | undefined

  constructor(
    private readonly coalescing: Coalescing<Call, Answer, E>,
    private readonly runtime: Runtime.Runtime<never>
  ) {}

  run(call: Call): Effect.Effect<Answer, E> {
    return Effect.uninterruptibleMask((restore) => {
      if (this.slots.size > 0 || this.waiting.length > 0) return restore(this.wait(call))
      const single = this.coalescing.single(call)
      const slot = this.occupy()
      return Effect.onExit(restore(single), () => Effect.sync(() => this.release(slot)))
    })
  }

  private wait(call: Call): Effect.Effect<Answer, E> {
    return Effect.async((resume) => {
      const waiter: Waiter<Call, Answer, E> = { call, resume, dropped: false }
      this.waiting.push(waiter)
      if (this.slots.size < this.coalescing.inFlight) this.startAfterThisTurn()
      else this.startWhenPatienceEnds()
      return Effect.sync(() => {
        waiter.dropped = true
        this.waiting = this.waiting.filter((other) => other !== waiter)
      })
    })
  }

  private startAfterThisTurn(): void {
    this.turn ??= setImmediate(() => {
      this.turn = undefined
      this.start()
    })
  }

  // A real timer: it only lets others go ahead, nothing else is decided by it.
  private startWhenPatienceEnds(): void {
    this.patience ??= setTimeout(() => {
      this.patience = undefined
      const latest = performance.now() - patienceMillis
      for (const slot of this.slots) if (slot.sinceMillis <= latest) this.slots.delete(slot)
      this.start()
    }, patienceMillis)
  }

  private start(): void {
    while (this.waiting.length > 0 && this.slots.size < this.coalescing.inFlight) {
      this.startBatch(this.take(), this.occupy())
    }
    clearTimeout(this.patience)
    this.patience = undefined
    if (this.waiting.length > 0) this.startWhenPatienceEnds()
  }

  private startBatch(batch: ReadonlyArray<Waiter<Call, Answer, E>>, slot: Slot): void {
    const [first] = batch
    const running = batch.length === 1 && first ? this.answerSingly(first) : this.answer(batch)
    Runtime.runFork(this.runtime)(running).addObserver(() => this.release(slot))
  }

  /** Takes the calls of the next batch out of the queue. */
  private take(): ReadonlyArray<Waiter<Call, Answer, E>> {
    const { key, sameKey } = this.coalescing
    const batch = new Map<unknown, Waiter<Call, Answer, E>>()
    const rest: Array<Waiter<Call, Answer, E>> = []
    for (const waiter of this.waiting) {
      const place = sameKey === "apart" ? key(waiter.call) : waiter
      if (batch.size < maxBatch && !batch.has(place)) batch.set(place, waiter)
      else rest.push(waiter)
    }
    this.waiting = rest
    return [...batch.values()].sort((a, b) => (key(a.call) < key(b.call) ? -1 : 1))
  }

  private answer(batch: ReadonlyArray<Waiter<Call, Answer, E>>): Effect.Effect<void> {
    const answers = Effect.suspend(() => this.coalescing.batch(batch.map(({ call }) => call)))
    return Effect.map(Effect.exit(answers), (exit) => {
      batch.forEach((waiter, index) => {
        const answer = Exit.isFailure(exit)
          ? this.failureFor(exit.cause)
          : answerAt(exit.value, index)
        if (answer === undefined) Runtime.runFork(this.runtime)(this.answerSingly(waiter))
        else waiter.resume(answer)
      })
    })
  }

  /** What each call of a failed batch is told; nothing, if it is to be run by itself. */
  private failureFor(cause: Cause.Cause<E>): Exit.Exit<never, E> | undefined {
    const error = Cause.failureOption(cause)
    return Option.exists(error, this.coalescing.retriesSingly) ? undefined : Exit.failCause(cause)
  }

  private answerSingly(waiter: Waiter<Call, Answer, E>): Effect.Effect<void> {
    return waiter.dropped
      ? Effect.void
      : Effect.map(Effect.exit(this.coalescing.single(waiter.call)), waiter.resume)
  }

  private occupy(): Slot {
    const slot = { sinceMillis: performance.now() }
    this.slots.add(slot)
    return slot
  }

  private release(slot: Slot): void {
    if (this.slots.delete(slot) && this.waiting.length > 0) this.start()
  }
}

const answerAt = <Answer>(
  answers: ReadonlyArray<Answer | undefined>,
  index: number
): Exit.Exit<Answer> | undefined => {
  const answer = answers[index]
  return answer === undefined ? undefined : Exit.succeed(answer)
}
