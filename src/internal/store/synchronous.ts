/**
 * Stores that never wait. A call of theirs is one step: what it gives is there when the step returns, so a request needs
 * no fiber, no deadline and no timer for it, and mostly not even an operation of its own.
 *
 * A step belongs to a function. A store that wraps another with functions of its own has none, and is called as others
 * are.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Service } from "./contract.js"

type Call<Parameters extends ReadonlyArray<unknown>, A, E> = (
  ...parameters: Parameters
) => Effect.Effect<A, E>

/** What a call does, all at once, at that instant. */
export type Step<Parameters extends ReadonlyArray<unknown>, A> = (
  nowMillis: number,
  ...parameters: Parameters
) => A

// The type of a call says what its step is.
const steps = new WeakMap<object, unknown>()

const stepOf = <Parameters extends ReadonlyArray<unknown>, A, E>(
  call: Call<Parameters, A, E>
): Step<Parameters, A> | undefined => steps.get(call) as Step<Parameters, A> | undefined

/** Makes the call that takes this step when it is run. */
export const fromStep = <Parameters extends ReadonlyArray<unknown>, A>(
  step: Step<Parameters, A>
): Call<Parameters, A, never> => {
  const call: Call<Parameters, A, never> = (...parameters) =>
    Effect.clockWith((clock) =>
      Effect.succeed(step(clock.unsafeCurrentTimeMillis(), ...parameters))
    )
  steps.set(call, step)
  return call
}

/** A call that `sees` the instant it is made at, and may change what it gives. One step, if the other is. */
export const seeing = <Parameters extends ReadonlyArray<unknown>, A, E>(
  call: Call<Parameters, A, E>,
  sees: (nowMillis: number) => ((given: A) => A) | undefined
): Call<Parameters, A, E> => {
  const step = stepOf(call)
  if (step !== undefined) {
    return fromStep((nowMillis, ...parameters) => {
      const change = sees(nowMillis)
      const given = step(nowMillis, ...parameters)
      return change === undefined ? given : change(given)
    })
  }
  return (...parameters) =>
    Effect.clockWith((clock) => {
      const change = sees(clock.unsafeCurrentTimeMillis())
      const called = call(...parameters)
      return change === undefined ? called : Effect.map(called, change)
    })
}

/** The steps of a store that never waits. */
export interface Steps {
  readonly find: Step<Parameters<Service["find"]>, Found>
  readonly update: Step<Parameters<Service["update"]>, boolean>
}

type Found = Effect.Effect.Success<ReturnType<Service["find"]>>

const known = new WeakMap<Service, Steps | null>()

/** The steps of a store, or nothing where a call that a commit makes to it may wait. */
export const stepsOf = (store: Service): Steps | null => {
  const found = known.get(store)
  if (found !== undefined) return found
  const find = stepOf(store.find)
  const update = stepOf(store.update)
  const others = [store.insert, store.move, store.remove, store.touch]
  const made =
    find === undefined || update === undefined || !others.every((call) => steps.has(call))
      ? null
      : { find, update }
  known.set(store, made)
  return made
}

/** Tells whether every call a commit makes to this store ends in one step. */
export const isSynchronous = (store: Service): boolean => stepsOf(store) !== null

/** How an effect has ended that needs no run any more. */
export const exitOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Exit.Exit<A, E> | undefined =>
  // An exit is an effect that gives what it says.
  Exit.isExit(effect) ? (effect as Exit.Exit<A, E>) : undefined
