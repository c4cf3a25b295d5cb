/** A first-in-first-out queue per name within this process, shared by every store in it. Knows nothing about files. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

interface Waiter {
  called: boolean
  call: () => void
}

const lines = new Map<string, Array<Waiter>>()

/** Runs `effect` when every earlier one of this name has ended. Who is interrupted while waiting leaves the line. */
export const inTurn = <A, E, R>(
  name: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const turn = Effect.ensuring(
        restore(effect),
        Effect.sync(() => callNext(name))
      )
      const line = lines.get(name)
      if (line !== undefined) return Effect.zipRight(wait(name, line, restore), turn)
      lines.set(name, [])
      return turn
    })
  )

const wait = (
  name: string,
  line: Array<Waiter>,
  restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
): Effect.Effect<void> => {
  const waiter: Waiter = { called: false, call: () => {} }
  line.push(waiter)
  const called = Effect.async<void>((resume) => {
    waiter.call = () => resume(Effect.void)
    if (waiter.called) resume(Effect.void)
  })
  return Effect.onExit(restore(called), (exit) =>
    Effect.sync(() => {
      if (Exit.isSuccess(exit)) return
      // Called and interrupted at the same moment: the turn is this waiter's to pass on.
      if (waiter.called) callNext(name)
      else line.splice(line.indexOf(waiter), 1)
    })
  )
}

const callNext = (name: string): void => {
  const next = lines.get(name)?.shift()
  if (next === undefined) {
    lines.delete(name)
    return
  }
  next.called = true
  next.call()
}
