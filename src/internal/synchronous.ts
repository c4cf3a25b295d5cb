/**
 * Which stores never wait. Their calls end in one step, so a request needs no fiber, no deadline and no timer for them.
 * A store says so about its own functions; one that wraps another with functions of its own is not believed.
 */
import type { Service } from "../SessionStore.js"

type Method = "find" | "insert" | "update" | "move" | "remove" | "touch"

const methods: ReadonlyArray<Method> = ["find", "insert", "update", "move", "remove", "touch"]

// Functions are only compared by identity here.
const steps = new WeakSet<object>()
const answers = new WeakMap<Service, boolean>()

/** Declares that these methods never wait. */
export const declareSynchronous = (store: Pick<Service, Method>): void => {
  for (const method of methods) steps.add(store[method])
}

/** Declares that a function never waits if the one it wraps does not; gives it back. */
export const asSynchronousAs = <F extends object>(wrapped: object, wrapping: F): F => {
  if (steps.has(wrapped)) steps.add(wrapping)
  return wrapping
}

/** Tells whether every call a commit makes to this store ends in one step. */
export const isSynchronous = (store: Service): boolean => {
  const known = answers.get(store)
  if (known !== undefined) return known
  const answer = methods.every((method) => steps.has(store[method]))
  answers.set(store, answer)
  return answer
}
