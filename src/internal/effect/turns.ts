/**
 * Turns: what has one owner and one key runs one after the other, first come, first served. So the commits of one process
 * to one session do not fight each other.
 *
 * A key that nobody waits for costs a map entry while its one effect runs, and nothing else.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** How long somebody waits for a turn. The times are real ones, whatever clock a test has set. */
export interface Patience<E> {
  /** Nobody waits on when no turn has ended for so long. */
  readonly stalledMillis: number
  readonly longestMillis: number
  readonly onImpatience: () => E
}

interface Waiter {
  isCalled: boolean
  call: () => void
}

interface Queue {
  readonly waiters: Array<Waiter>
  /** When a turn was passed on last; none was yet where this is 0. */
  movedMillis: number
}

/** By keys in use. There is no queue until somebody waits. */
type Queues = Map<string, Queue | undefined>

const queuesOf = new WeakMap<object, Queues>()

/**
 * Runs `effect` when every earlier one with this owner and key has ended. A waiter that is interrupted leaves the queue. An
 * effect whose turn has come is not interrupted.
 */
export const inTurn = <A, E, R, E2 = never>(
  owner: object,
  key: string,
  effect: Effect.Effect<A, E, R>,
  patience?: Patience<E2>
): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) => takeTurn(owner, key, effect, restore, patience))

const takeTurn = <A, E, R, E2 = never>(
  owner: object,
  key: string,
  effect: Effect.Effect<A, E, R>,
  restore: Restore,
  patience?: Patience<E2>
): Effect.Effect<A, E | E2, R> => {
  const queues = allQueues(owner)
  const turn = Effect.matchCauseEffect(effect, {
    onFailure: (cause) => {
      callNext(queues, key)
      return Effect.failCause(cause)
    },
    onSuccess: (value) => {
      callNext(queues, key)
      return Effect.succeed(value)
    }
  })
  if (queues.has(key)) return Effect.zipRight(awaitTurn(queues, key, restore, patience), turn)
  queues.set(key, undefined)
  return turn
}

/** How many keys of an owner are in use. */
export const keysInUse = (owner: object): number => queuesOf.get(owner)?.size ?? 0

const allQueues = (owner: object): Queues => {
  const known = queuesOf.get(owner)
  if (known !== undefined) return known
  const queues: Queues = new Map()
  queuesOf.set(owner, queues)
  return queues
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const awaitTurn = <E>(
  queues: Queues,
  key: string,
  restore: Restore,
  patience: Patience<E> | undefined
): Effect.Effect<void, E> => {
  const queue = queues.get(key) ?? { waiters: [], movedMillis: 0 }
  queues.set(key, queue)
  const waiter: Waiter = { isCalled: false, call: () => {} }
  queue.waiters.push(waiter)
  const called = Effect.async<void, E>((resume) => {
    if (waiter.isCalled) return resume(Effect.void)
    const cancel =
      patience === undefined
        ? () => {}
        : whenImpatient(queue, patience, () => resume(Effect.failSync(patience.onImpatience)))
    waiter.call = () => {
      cancel()
      resume(Effect.void)
    }
    return Effect.sync(cancel)
  })
  return Effect.onExit(restore(called), (exit) =>
    Effect.sync(() => {
      if (Exit.isSuccess(exit)) return
      // Called and interrupted at the same moment: the turn is this waiter's to pass on.
      if (waiter.isCalled) callNext(queues, key)
      else leave(queue, waiter)
    })
  )
}

const whenImpatient = (
  queue: Queue,
  { longestMillis, stalledMillis }: Patience<unknown>,
  giveUp: () => void
): (() => void) => {
  const began = performance.now()
  const look = () => {
    const now = performance.now()
    const left = Math.min(
      stalledMillis - (now - Math.max(queue.movedMillis, began)),
      longestMillis - (now - began)
    )
    if (left > 0) timer = setTimeout(look, left)
    else giveUp()
  }
  let timer = setTimeout(look, stalledMillis)
  return () => clearTimeout(timer)
}

const leave = ({ waiters }: Queue, waiter: Waiter): void => {
  const at = waiters.indexOf(waiter)
  if (at >= 0) waiters.splice(at, 1)
}

const callNext = (queues: Queues, key: string): void => {
  const queue = queues.get(key)
  const next = queue?.waiters.shift()
  if (queue === undefined || next === undefined) {
    queues.delete(key)
    return
  }
  queue.movedMillis = performance.now()
  next.isCalled = true
  next.call()
}
