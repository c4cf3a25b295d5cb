/** Opens the store of some options: its connection, or the client of the app, then the store itself. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { SessionConfigError, type SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import type { Sender } from "./calls.js"
import { toStoreError } from "./failure.js"
import { Link } from "./link.js"
import { type Options, type Send, serverOf } from "./options.js"
import { baseOf, openStore } from "./store.js"

/** The prefix of a store that is not given one. */
const defaultPrefix = "effect-session"

/** Opens the store of these options. */
export const open = (
  options: Options
): Effect.Effect<Service, SessionStoreError | SessionConfigError, Scope.Scope> =>
  Effect.gen(function* () {
    const { keepEnded = 0, prefix = defaultPrefix } = options
    if (!/^[\w.:-]{1,64}$/.test(prefix)) {
      const reason = "must be 1 to 64 letters, digits and _, -, ., :."
      return yield* new SessionConfigError({ field: "prefix", reason })
    }
    const base = baseOf(prefix)
    const sender = "send" in options ? throughApp(options.send, base) : yield* linked(options, base)
    return yield* openStore(sender, { prefix, keepEnded })
  })

const throughApp = (send: Send, key: string): Sender => ({
  // An async function, so that what the app's throws is a failure like any other.
  send: async (args) => send([...args], key),
  mayRepeat: () => false,
  suspect: () => {}
})

const linked = (options: Exclude<Options, { readonly send: unknown }>, base: string) =>
  Effect.flatMap(serverOf(options), (server) =>
    Effect.acquireRelease(
      Effect.tryPromise({
        try: async () => {
          const link = new Link(server, base)
          await link.open()
          return link
        },
        catch: (cause) => toStoreError("open", cause)
      }),
      (link) => Effect.promise(() => link.close())
    )
  )
