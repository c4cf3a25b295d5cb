/**
 * A first-in-first-out queue per key, so that the commits of one process to one session do not fight each other.
 * A key with nobody in it costs a map entry for the time of the run, nothing else.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

interface Waiter {
  called: boolean
  call: () => void
}

interface Line extends Array<Waiter> {
  /** When the last turn ended, or the first began. */
  movedMillis?: number
}

type Lines = Map<string, Line>

const linesOf = new WeakMap<object, Lines>()

/**
 * Runs `effect` when every earlier one with this owner and key has ended. Who is interrupted while waiting leaves; who has
 * waited for `patienceMillis` leaves too, and runs all the same.
 */
export const inTurn = <A, E, R>(
  owner: object,
  key: string,
  effect: Effect.Effect<A, E, R>,
  patienceMillis?: number
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) => {
    const lines = of(owner)
    const turn = Effect.matchCauseEffect(restore(effect), {
      onFailure: (cause) => {
        callNext(lines, key)
        return Effect.failCause(cause)
      },
      onSuccess: (value) => {
        callNext(lines, key)
        return Effect.succeed(value)
      }
    })
    const line = lines.get(key)
    if (line !== undefined) {
      return Effect.flatMap(wait(lines, key, line, restore, patienceMillis), (hasTurn) =>
        hasTurn ? turn : restore(effect)
      )
    }
    lines.set(key, [])
    return turn
  })

/** Tells whether nobody has a turn of this key. */
export const isFree = (owner: object, key: string): boolean => linesOf.get(owner)?.has(key) !== true

/** When a turn of this key ended last, by `performance.now`; 0 while the first one runs. */
export const lastMoved = (owner: object, key: string): number =>
  linesOf.get(owner)?.get(key)?.movedMillis ?? 0

/** How many keys are in use: none is left behind. */
export const keysInUse = (owner: object): number => linesOf.get(owner)?.size ?? 0

const of = (owner: object): Lines => {
  const existing = linesOf.get(owner)
  if (existing !== undefined) return existing
  const lines: Lines = new Map()
  linesOf.set(owner, lines)
  return lines
}

/** False when the patience was over first. */
const wait = (
  lines: Lines,
  key: string,
  line: Line,
  restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>,
  patienceMillis: number | undefined
): Effect.Effect<boolean> => {
  const waiter: Waiter = { called: false, call: () => {} }
  line.push(waiter)
  const called = Effect.async<boolean>((resume) => {
    if (waiter.called) return resume(Effect.succeed(true))
    const timer =
      patienceMillis === undefined
        ? undefined
        : setTimeout(() => {
            leave(line, waiter)
            resume(Effect.succeed(false))
          }, patienceMillis)
    waiter.call = () => {
      clearTimeout(timer)
      resume(Effect.succeed(true))
    }
    return Effect.sync(() => clearTimeout(timer))
  })
  return Effect.onExit(restore(called), (exit) =>
    Effect.sync(() => {
      if (Exit.isSuccess(exit)) return
      // Called and interrupted at the same moment: the turn is this waiter's to pass on.
      if (waiter.called) callNext(lines, key)
      else leave(line, waiter)
    })
  )
}

const leave = (line: Line, waiter: Waiter): void => {
  const at = line.indexOf(waiter)
  if (at >= 0) line.splice(at, 1)
}

const callNext = (lines: Lines, key: string): void => {
  const line = lines.get(key)
  const next = line?.shift()
  if (line === undefined || next === undefined) {
    lines.delete(key)
    return
  }
  line.movedMillis = performance.now()
  next.called = true
  next.call()
}
