/** A store for the tests of the collection, which uses nothing of it but `collect`. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SessionStore from "../../src/SessionStore.js"

export type Collected = Effect.Effect<number, SessionStore.SessionStoreError>

const unused = () => Effect.dieMessage("The collection uses nothing but collect.")

/** A store whose calls of `collect` do in turn what is given, the last for ever; `calls` are the limits it was given. */
export const aStore = (...answers: ReadonlyArray<Collected>) => {
  const calls: Array<number> = []
  const store = SessionStore.make({
    find: unused,
    insert: unused,
    update: unused,
    move: unused,
    remove: unused,
    entries: () => Stream.die("The collection uses nothing but collect."),
    collect: (limit) =>
      Effect.suspend(() => {
        calls.push(limit)
        return answers[Math.min(calls.length, answers.length) - 1] ?? Effect.succeed(0)
      })
  })
  return { calls, store }
}
