/**
 * Lets calls of concurrent requests share one statement. Written by hand: Effect's own requests are batched only within one
 * fiber, and cost more than a statement does.
 *
 * A call that finds nothing in flight runs at once, alone, in its caller's fiber: one request at a time pays nothing. Calls
 * that come while something is in flight wait for the end of the event loop's turn or, if the limit of statements in flight
 * is reached, for one of them to end. Then all that wait run as one batch, in a fiber that belongs to no caller: outside
 * the callers' contexts, so also outside their transactions and spans, and not interrupted with any of them.
 */

import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import {
  isRunning,
  type RunBeside,
  type RunningFiber,
  runBeside,
  withFiber
} from "../effect/fiber.js"

/** What is run, and how. */
export interface Options<Call, Answer, E> {
  /** Runs one call. */
  readonly single: (call: Call) => Effect.Effect<Answer, E>
  /**
   * Runs several calls, which come sorted by key, and answers in their order. `undefined` says that this call got no
   * answer and had no effect: it is then run alone.
   */
  readonly batch: (
    calls: ReadonlyArray<Call>
  ) => Effect.Effect<ReadonlyArray<Answer | undefined>, E>
  /** What a batch is sorted by, so that two of them never lock the same rows in opposite order. */
  readonly key: (call: Call) => string
  /** Whether a batch may hold several calls of one key, as reads may; of two writes the second waits for the next batch. */
  readonly allowsSameKey: boolean
  /** How many statements are in flight before calls wait: with two, one goes out while the other is on its way back. */
  readonly inFlight: 1 | 2
  /**
   * Tells whether the calls of a batch that failed so are then run alone, so that one bad row does not fail its
   * neighbours. Only for failures after which a second run of a call that took effect does no harm.
   */
  readonly retriesSingly: (error: E) => boolean
}

/** How many calls a batch takes. More would save next to nothing and make the others wait. */
const maxBatch = 64

/** After so long a statement (one that waits for a locked row, say) no longer holds up the calls behind it. */
const patienceMillis = 100

interface Waiter<Call, Answer, E> {
  readonly call: Call
  readonly caller: RunningFiber
  readonly resume: (exit: Exit.Exit<Answer, E>) => void
}

// Asked of the fiber, because a handler of its interruption would cost more than the rest of the wait.
const isWaiting = ({ caller }: Waiter<unknown, never, never>): boolean => isRunning(caller)

/** A statement in flight. */
interface Slot {
  readonly sinceMillis: number
}

/** Makes the function that runs a call, alone or in a batch with others. */
export const make = <Call, Answer, E>(
  options: Options<Call, Answer, E>
): Effect.Effect<(call: Call) => Effect.Effect<Answer, E>> =>
  Effect.map(runBeside, (run) => {
    const batcher = new Batcher(options, run)
    return (call) => batcher.run(call)
  })

class Batcher<Call, Answer, E> {
  private readonly slots = new Set<Slot>()
  private waiting: Array<Waiter<Call, Answer, E>> = []
  private turn: NodeJS.Immediate | undefined
  private patience: NodeJS.Timeout | undefined

  constructor(
    private readonly options: Options<Call, Answer, E>,
    private readonly runBeside: RunBeside
  ) {}

  run(call: Call): Effect.Effect<Answer, E> {
    return withFiber((caller) =>
      this.slots.size > 0 || this.waiting.length > 0
        ? this.wait(call, caller)
        : this.runAtOnce(call)
    )
  }

  private runAtOnce(call: Call): Effect.Effect<Answer, E> {
    return Effect.uninterruptibleMask((restore) => {
      const slot = this.occupy()
      const single = Effect.suspend(() => this.options.single(call))
      return Effect.onExit(restore(single), () => Effect.sync(() => this.release(slot)))
    })
  }

  private wait(call: Call, caller: RunningFiber): Effect.Effect<Answer, E> {
    return Effect.async((resume) => {
      this.waiting.push({ call, caller, resume })
      if (this.slots.size < this.options.inFlight) this.startAfterThisTurn()
      else this.startWhenPatienceEnds()
    })
  }

  private startAfterThisTurn(): void {
    this.turn ??= setImmediate(() => {
      this.turn = undefined
      this.start()
    })
  }

  // By the system's timer: all it decides is when others go ahead.
  private startWhenPatienceEnds(): void {
    this.patience ??= setTimeout(() => {
      this.patience = undefined
      const latest = performance.now() - patienceMillis
      for (const slot of this.slots) if (slot.sinceMillis <= latest) this.slots.delete(slot)
      this.start()
    }, patienceMillis)
  }

  private start(): void {
    this.waiting = this.waiting.filter(isWaiting)
    while (this.waiting.length > 0 && this.slots.size < this.options.inFlight) {
      this.startBatch(this.dequeue(), this.occupy())
    }
    clearTimeout(this.patience)
    this.patience = undefined
    if (this.waiting.length > 0) this.startWhenPatienceEnds()
  }

  private startBatch(batch: ReadonlyArray<Waiter<Call, Answer, E>>, slot: Slot): void {
    const [first] = batch
    const running = batch.length === 1 && first ? this.answerAlone(first) : this.answerAll(batch)
    this.runBeside(running, () => this.release(slot))
  }

  /** Removes the calls of the next batch from the queue. */
  private dequeue(): ReadonlyArray<Waiter<Call, Answer, E>> {
    const { allowsSameKey, key } = this.options
    const batch = new Map<unknown, Waiter<Call, Answer, E>>()
    const rest: Array<Waiter<Call, Answer, E>> = []
    for (const waiter of this.waiting) {
      const once = allowsSameKey ? waiter : key(waiter.call)
      if (batch.size < maxBatch && !batch.has(once)) batch.set(once, waiter)
      else rest.push(waiter)
    }
    this.waiting = rest
    return [...batch.values()].sort((a, b) => (key(a.call) < key(b.call) ? -1 : 1))
  }

  private answerAll(batch: ReadonlyArray<Waiter<Call, Answer, E>>): Effect.Effect<void> {
    const answers = Effect.suspend(() => this.options.batch(batch.map(({ call }) => call)))
    return Effect.map(Effect.exit(answers), (exit) => {
      const failed =
        Exit.isFailure(exit) &&
        !Option.exists(Cause.failureOption(exit.cause), this.options.retriesSingly)
          ? Exit.failCause(exit.cause)
          : undefined
      batch.forEach((waiter, index) => {
        const answer = Exit.isSuccess(exit) ? exit.value[index] : undefined
        if (answer !== undefined) waiter.resume(Exit.succeed(answer))
        else if (failed !== undefined) waiter.resume(failed)
        else this.runBeside(this.answerAlone(waiter))
      })
    })
  }

  private answerAlone(waiter: Waiter<Call, Answer, E>): Effect.Effect<void> {
    return isWaiting(waiter)
      ? Effect.map(Effect.exit(this.options.single(waiter.call)), waiter.resume)
      : Effect.void
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
