/** A store that counts every call. */
import type * as SessionStore from "../../src/SessionStore.js"

export const counting = () => {
  const calls: Array<string> = []
  const store = (inner: SessionStore.Service): SessionStore.Service =>
    new Proxy(inner, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver)
        if (typeof value !== "function") return value
        return (...given: ReadonlyArray<unknown>) => {
          calls.push(String(name))
          return Reflect.apply(value, target, given)
        }
      }
    })
  return { calls, store }
}
