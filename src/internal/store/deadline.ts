/**
 * The deadline of the calls that a request waits for. A store that looks to it by itself says so; the calls of any other
 * run apart.
 */
import * as Effect from "effect/Effect"
import { apart } from "../effect/apart.js"
import { SessionStoreError } from "../errors/errors.js"
import type { Service } from "./contract.js"

/** How long a request waits for one call of the store. */
export const deadlineMillis = 2000

/** The calls that a request makes. */
const calls = ["find", "insert", "update", "move", "touch", "remove", "revokedWithin"] as const

type Call = (...given: never) => Effect.Effect<unknown, SessionStoreError>

const inTimeAlready = new WeakSet<Call>()

/** Declares that each call of a store ends in time, and runs outside the context of its caller. */
export const keepsTime = (store: Service): Service => {
  for (const call of calls) inTimeAlready.add(store[call])
  return store
}

const guarded = new WeakMap<Service, Service>()

/** The store as a request uses it: each call ends in time. A copy of a store may have other calls than the store. */
export const inTime = (store: Service): Service => {
  const known = guarded.get(store)
  if (known !== undefined) return known
  const made = calls.every((call) => inTimeAlready.has(store[call])) ? store : guard(store)
  guarded.set(store, made)
  return made
}

const guard = (store: Service): Service => {
  const guardOf = <Given extends ReadonlyArray<unknown>, A>(
    operation: string,
    call: (...given: Given) => Effect.Effect<A, SessionStoreError>
  ) =>
    inTimeAlready.has(call)
      ? call
      : (...given: Given) =>
          withDeadline(
            operation,
            Effect.suspend(() => call(...given))
          )
  return {
    ...store,
    find: guardOf("find", store.find),
    insert: guardOf("insert", store.insert),
    update: guardOf("update", store.update),
    move: guardOf("move", store.move),
    touch: guardOf("touch", store.touch),
    remove: guardOf("remove", store.remove),
    revokedWithin: guardOf("revokedWithin", store.revokedWithin)
  }
}

/** Runs what is asked of a store apart. It is left to its end where the caller is interrupted. */
export const withDeadline = <A>(
  operation: string,
  call: Effect.Effect<A, SessionStoreError>
): Effect.Effect<A, SessionStoreError> =>
  apart(call, {
    millis: deadlineMillis,
    onInterrupt: "leave",
    onTimeout: () => new SessionStoreError({ operation, reason: "timeout" })
  })
