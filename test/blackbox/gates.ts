/** Points at which a request waits until the test lets it go on, so that two requests interleave as the test says. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

interface Gate {
  readonly entered: Deferred.Deferred<void>
  readonly opened: Deferred.Deferred<void>
}

const gates = new Map<string, Gate>()

const gate = (name: string): Gate => {
  const known = gates.get(name)
  if (known !== undefined) return known
  const made = {
    entered: Effect.runSync(Deferred.make<void>()),
    opened: Effect.runSync(Deferred.make<void>())
  }
  gates.set(name, made)
  return made
}

/** For the handler: says that it came this far, and waits. */
export const pass = (name: string) =>
  Effect.suspend(() => {
    const { entered, opened } = gate(name)
    return Effect.zipRight(Deferred.succeed(entered, undefined), Deferred.await(opened))
  })

/** For the test: waits until a handler is there. */
export const entered = (name: string) => Effect.suspend(() => Deferred.await(gate(name).entered))

/** For the test: lets the handler go on. */
export const open = (name: string) =>
  Effect.suspend(() => Deferred.succeed(gate(name).opened, undefined))
