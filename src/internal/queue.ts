/**
 * A first-in-first-out queue per key, so that the commits of one process to one session do not fight each other.
 * A key with nobody in it costs a map entry for the time of the run, nothing else.
 */
import * as Effect from "effect/Effect"

type Waiters = Array<() => void>

const queues = new WeakMap<object, Map<string, Waiters>>()

/** Runs `effect` when every earlier one with this owner and key has ended. */
export const inTurn = <A, E, R>(
  owner: object,
  key: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const queue = queueOf(owner)
    const turn = Effect.ensuring(
      effect,
      Effect.sync(() => release(queue, key))
    )
    const waiters = queue.get(key)
    if (waiters !== undefined) return wait(waiters, turn)
    queue.set(key, [])
    return turn
  })

const queueOf = (owner: object): Map<string, Waiters> => {
  const existing = queues.get(owner)
  if (existing !== undefined) return existing
  const queue = new Map<string, Waiters>()
  queues.set(owner, queue)
  return queue
}

const wait = <A, E, R>(waiters: Waiters, turn: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatten(
    Effect.async<Effect.Effect<A, E, R>>((resume) => {
      const call = () => resume(Effect.succeed(turn))
      waiters.push(call)
      return Effect.sync(() => {
        const index = waiters.indexOf(call)
        if (index >= 0) waiters.splice(index, 1)
      })
    })
  )

const release = (queue: Map<string, Waiters>, key: string): void => {
  const next = queue.get(key)?.shift()
  if (next === undefined) queue.delete(key)
  else next()
}
